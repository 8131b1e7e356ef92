"""Splits: by patient, complete, alike in strata, the same for the same seed."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from synthtrial.cohorts.case import CaseRef
from synthtrial.cohorts.settings import PrepareSettings
from synthtrial.cohorts.splitting import split_by_site, split_cases
from synthtrial.errors import CohortError, ConfigError


def make_cases(n_patients: int, seed: int = 0, sites: int = 1, classes: int = 1, most: int = 1) -> list[CaseRef]:
    rng = np.random.default_rng(seed)
    cases = []
    for patient in range(n_patients):
        site, label = f"s{rng.geometric(0.4) % sites}", f"c{rng.integers(classes)}"
        for k in range(rng.integers(1, most + 1)):
            cases.append(CaseRef(f"p{patient}_{k}", f"p{patient}", site, label, None, (), ""))
    return cases


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("most", [1, 9])
def test_every_case_once_and_no_patient_in_two_parts(seed, most):
    cases = make_cases(6 + 3 * seed, seed, sites=5, classes=3, most=most)
    splits = split_cases(cases, test_fraction=0.2, folds=5, seed=seed)
    parts = [splits["test"], *splits["folds"]]
    assert sorted(sum(parts, [])) == sorted(case.case_id for case in cases)
    patients = [{case_id.split("_")[0] for case_id in part} for part in parts]
    assert sum(map(len, patients)) == len(set.union(*patients))
    assert all(parts)


@pytest.mark.parametrize(("n", "test"), [(18, 4), (60, 12), (200, 40), (524, 105)])
def test_sizes(n, test):
    splits = split_cases(make_cases(n), test_fraction=0.2, folds=5, seed=1)
    sizes = [len(fold) for fold in splits["folds"]]
    assert len(splits["test"]) == test and max(sizes) - min(sizes) <= 1


def test_strata_are_alike():
    cases = make_cases(300, sites=3, classes=2)
    splits = split_cases(cases, test_fraction=0.2, folds=5, seed=3)
    stratum = {case.case_id: (case.site, case.label) for case in cases}
    total = Counter(stratum.values())
    for part, share in [(splits["test"], 0.2), *[(fold, 0.16) for fold in splits["folds"]]]:
        found = Counter(stratum[case_id] for case_id in part)
        assert all(abs(found[name] - share * count) < 2 for name, count in total.items())


def test_singleton_strata_do_not_all_end_up_in_the_test_set():
    cases = [CaseRef(f"p{k}", f"p{k}", f"site{k}", "", None, (), "") for k in range(20)]
    splits = split_cases(cases, test_fraction=0.2, folds=5, seed=0)
    assert len(splits["test"]) == 4 and {len(fold) for fold in splits["folds"]} <= {3, 4}


def test_seed_decides():
    cases = make_cases(50)
    first, again, other = (split_cases(cases, test_fraction=0.2, folds=5, seed=seed) for seed in (1, 1, 2))
    assert first == again and first["test"] != other["test"]


def test_no_test_set():
    splits = split_cases(make_cases(5), test_fraction=0.0, folds=5, seed=0)
    assert splits["test"] == [] and all(len(fold) == 1 for fold in splits["folds"])


def test_fewer_patients_than_folds():
    cases = make_cases(5, most=9)
    with pytest.raises(CohortError, match="at least 6 are needed"):
        split_cases(cases, test_fraction=0.2, folds=5, seed=0)


def at_sites(*patients_and_sites: str) -> list[CaseRef]:
    """Cases of `patient@site`, one each."""
    words = [word.split("@") for word in patients_and_sites]
    return [CaseRef(f"c{index}", patient, site, "", None, (), "") for index, (patient, site) in enumerate(words)]


def test_each_site_is_a_fold_and_no_case_is_left_for_a_test() -> None:
    cases = at_sites("p0@south", "p1@north", "p2@west", "p1@north", "p3@south")
    assert split_by_site(cases, folds=3, seed=7) == {
        "seed": 7,
        "test": [],
        "folds": [["c1", "c3"], ["c0", "c4"], ["c2"]],
    }


@pytest.mark.parametrize(
    ("sites", "folds", "message"),
    [
        (("p0@a", "p1@b", "p2@c"), 5, r"prepare.folds is 5, but the cohort has 3 sites \(a, b, c\).* prepare.folds=3"),
        (("p0@a", "p1@a"), 2, "all 2 cases are of one site"),
        (("p0@a", "p1@b", "p0@b"), 2, r"patient p0 has cases of the sites a and b \(case c2\)"),
    ],
)
def test_sites_that_are_no_folds_are_refused(sites: tuple[str, ...], folds: int, message: str) -> None:
    with pytest.raises(CohortError, match=message):
        split_by_site(at_sites(*sites), folds=folds, seed=0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"test_cases": {"a": 3}}, "prepare.test_fraction must be 0, but is 0.2"),
        ({"test_cases": {"a": 3}, "test_fraction": 0.0, "split_by": "site"}, "split_by patient, but is site"),
        (
            {"test_cases": {"a": 0}, "test_fraction": 0.0},
            "prepare.test_cases: expected a number of cases of at least 1",
        ),
        ({"test_cases": {}, "test_fraction": 0.0}, "prepare.test_cases: expected a number of cases"),
        ({"limit": {"a": 0, "b": None}}, "prepare.limit: expected a number of cases of at least 1"),
    ],
)
def test_counts_of_classes_that_cannot_be(changed: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PrepareSettings(**{"shape": [8, 8], "window": {"low": 0, "high": 1}, **changed})


@pytest.mark.parametrize(("split_by", "test_fraction"), [("patient", 0.0), ("site", 0.2)])
def test_only_sites_are_judged_without_a_test_set(split_by: str, test_fraction: float) -> None:
    settings = {"shape": [8, 8, 8], "window": {"low": 0, "high": 1}, "folds": 3}
    with pytest.raises(ConfigError, match=rf"prepare.test_fraction is {test_fraction:g} and prepare.split_by"):
        PrepareSettings(**settings, split_by=split_by, test_fraction=test_fraction)
    PrepareSettings(**settings, split_by=split_by, test_fraction=0.2 - test_fraction)
