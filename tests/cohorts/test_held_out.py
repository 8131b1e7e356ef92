"""A test set by class counts: whole patients, exact where they allow it, alike in sites."""

from __future__ import annotations

from collections import Counter

import pytest
from class_cases import case, cases_of, lesions

from synthtrial.cohorts.class_limit import limited
from synthtrial.cohorts.held_out import check_test_counts, held_out_patients
from synthtrial.cohorts.splitting import split_cases
from synthtrial.errors import CohortError, ConfigError


def classes(cases, chosen) -> Counter:
    return Counter(one.label for one in cases if one.patient_id in chosen)


@pytest.mark.parametrize("seed", range(8))
def test_counts_are_met_where_patients_are_small(seed: int) -> None:
    cases = limited(lesions(seed), {"b": 500}, seed)
    assert classes(cases, held_out_patients(cases, {"b": 93, "m": 20}, seed)) == {"b": 93, "m": 20}


def test_whole_patients_come_as_near_as_they_can() -> None:
    cases = cases_of({"p1": "bbb", "p2": "bbb", "p3": "bbb", "p4": "mmmm", "p5": "mmmm", "p6": "mmmm"})
    chosen = held_out_patients(cases, {"b": 4, "m": 5}, 0)
    assert classes(cases, chosen) == {"b": 3, "m": 4}
    (warning,) = check_test_counts(cases, [c.case_id for c in cases if c.patient_id in chosen], {"b": 4, "m": 5})
    assert "3 b (of 4 asked for), 4 m (of 5 asked for)" in warning


def test_one_too_many_is_nearer_than_many_too_few() -> None:
    cases = cases_of({"p1": "bbbbb", "p2": "bbbbb", "p3": "m", "p4": "m"})
    assert classes(cases, held_out_patients(cases, {"b": 4, "m": 1}, 0)) == {"b": 5, "m": 1}


def test_no_test_case_at_all_is_refused() -> None:
    cases = cases_of({"p1": "bbbbb", "p2": "bbbbb", "p3": "m", "p4": "m"})
    with pytest.raises(CohortError, match="no patient fits for 1 test cases of the class b"):
        check_test_counts(cases, ["p3_0"], {"b": 1, "m": 1})


def test_sites_are_spread() -> None:
    cases = [case(f"{site}{k}", f"{site}{k}", "bm"[k % 2], site) for site in "xyz" for k in range(40)]
    chosen = held_out_patients(cases, {"b": 15, "m": 15}, 1)
    assert all(8 <= count <= 12 for count in Counter(one.site for one in cases if one.patient_id in chosen).values())


@pytest.mark.parametrize("seed", range(5))
def test_the_rest_goes_to_folds_and_no_patient_is_in_two_parts(seed: int) -> None:
    cases = limited(lesions(seed), {"b": 900}, seed)
    splits = split_cases(cases, test_fraction=0, folds=5, seed=seed, test_cases={"b": 93, "m": 20}, positive="m")
    parts = [splits["test"], *splits["folds"]]
    assert sorted(sum(parts, [])) == sorted(one.case_id for one in cases)
    patients = [{case_id.split("_")[0] for case_id in part} for part in parts]
    assert sum(map(len, patients)) == len(set.union(*patients))
    label = {one.case_id: one.label for one in cases}
    assert Counter(label[case_id] for case_id in splits["test"]) == {"b": 93, "m": 20}
    assert {sum(label[case_id] == "m" for case_id in fold) for fold in splits["folds"]} == {8}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"m": 3}, "names m, but the cohort's classes are b, m"),
        ({"b": 3, "m": 3, "x": 1}, "names b, m, x, but the cohort's classes are b, m"),
        ({"b": 3, "m": 60}, "prepare.test_cases.m is 60, but the cohort has 60 cases"),
    ],
)
def test_counts_that_cannot_be(wanted: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        held_out_patients(lesions(), wanted, 0)
