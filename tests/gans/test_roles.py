"""Which cases a generator learns from, and as what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from small_gans import read_config

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import ConfigError
from synthtrial.gans.roles import makes_classes, roles_of

BOTH = ["benign", "malignant"]


@pytest.fixture
def cohort(make_cohort: Callable[..., PreparedCohort]) -> PreparedCohort:
    """Benign, malignant and unlabelled cases in turn, from two sites in turn."""
    return make_cohort(classes=("benign", "malignant", ""))


def label_of(cohort: PreparedCohort, case_id: str) -> str:
    return cohort.cases.at[case_id, "label"]


def test_without_classes_all_cases_are_alike(cohort: PreparedCohort) -> None:
    roles = roles_of({}, cohort, cohort.development)
    assert (roles.real, roles.source, roles.classes, roles.label) == (cohort.development, [], [], {})


def test_one_class_selects_its_cases(cohort: PreparedCohort) -> None:
    roles = roles_of({"classes": ["malignant"]}, cohort, cohort.development)
    assert {label_of(cohort, case_id) for case_id in roles.real} == {"malignant"}
    assert roles.classes == []


@pytest.mark.parametrize("unlabelled", [True, False])
def test_several_classes_are_told_apart_and_the_others_kept_only_where_wanted(
    cohort: PreparedCohort, unlabelled: bool
) -> None:
    roles = roles_of({"classes": BOTH}, cohort, cohort.development, unlabelled)
    assert roles.classes == BOTH
    for case_id in cohort.development:
        name = label_of(cohort, case_id)
        assert roles.label.get(case_id, -1) == (BOTH.index(name) if name else -1)
        assert (case_id in roles.real) == (bool(name) or unlabelled)


def test_domains_divide_cases_into_sources_and_targets(cohort: PreparedCohort) -> None:
    domains = {"column": "site", "source": "A", "target": "B"}
    roles = roles_of({"domains": domains}, cohort, cohort.development)
    assert {cohort.cases.at[case_id, "site"] for case_id in roles.source} == {"A"}
    assert {cohort.cases.at[case_id, "site"] for case_id in roles.real} == {"B"}
    assert sorted(roles.seen) == sorted(cohort.development)


def test_between_sites_cases_of_one_class_are_translated_into_cases_of_it(cohort: PreparedCohort) -> None:
    domains = {"column": "site", "source": "A", "target": "B"}
    roles = roles_of({"domains": domains, "classes": ["malignant"]}, cohort, cohort.development)
    assert roles.source and roles.real
    assert {label_of(cohort, case_id) for case_id in roles.seen} == {"malignant"}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"classes": ["cyst"]}, r"classes\[0\] is 'cyst', but no training case has that; there are: '', 'benign'"),
        ({"domains": {"column": "site", "source": "A", "target": "C"}}, "domains.target is 'C'.*there are: 'A', 'B'"),
        ({"domains": {"column": "site", "source": "A"}}, "domains.target is missing"),
        ({"domains": {"column": "site", "source": "A", "target": "B", "to": "C"}}, "domains has no key 'to'"),
        ({"domains": {"column": "age", "source": "A", "target": "C"}}, "domains.column is 'age'; there are: label"),
    ],
)
def test_what_the_split_does_not_have_is_named(config: dict[str, Any], message: str, cohort: PreparedCohort) -> None:
    with pytest.raises(ConfigError, match=message):
        roles_of(config, cohort, cohort.development)


SITES = {"domains": {"column": "site", "source": "A", "target": "B"}}


@pytest.mark.parametrize(
    ("name", "own", "expected"),
    [
        ("dcgan", {"classes": None}, False),
        ("dcgan", {"classes": ["benign"]}, True),
        ("pix2pix", {"classes": None}, False),
        ("hagan", {"classes": BOTH}, True),
        ("hagan_gp", {"classes": BOTH}, True),
        ("stylegan2_ada", {"classes": BOTH}, True),
        ("stylegan2_ada", {"classes": None}, False),
        ("catgan", {"classes": BOTH}, False),
        ("catgan", {"classes": ["benign"]}, True),
        ("cyclegan_skin", {}, True),
        ("cyclegan_skin", SITES, True),
        ("dcgan", {"classes": None, "train": None}, True),
    ],
)
def test_whether_each_draw_will_have_a_class(name: str, own: dict[str, Any], expected: bool) -> None:
    """What is drawn is tested in test_pictures and test_controls; without a training it is a control."""
    assert makes_classes(read_config(name) | own) is expected
