"""Can a cohort be classified: two classes, enough patients of each, both in every part."""

from __future__ import annotations

import pytest
from class_cases import cases_of

from synthtrial.cohorts.class_checks import check_parts, check_two_classes, counts_of_parts
from synthtrial.errors import CohortError, ConfigError

MANY = {f"p{k}": "bm"[k % 2] for k in range(12)}


def test_two_classes_with_a_patient_for_each_part() -> None:
    check_two_classes(cases_of(MANY), "m", folds=5)


@pytest.mark.parametrize(
    ("patients", "message"),
    [
        ({f"p{k}": "b" for k in range(12)}, r"needs a cohort of two classes, but this one has 1: b \(12 patients\)"),
        ({**MANY, "x": "a"}, r"has 3: a \(1 patients\), b .*, m .*Keep two by cohort.keep"),
        (
            {**{f"p{k}": "b" for k in range(12)}, "x": "mmmm"},
            "class m has 1 patient.s., but each of 5 folds and the test",
        ),
        ({**MANY, "p1": "b"}, "class m has 5 patient.s.*lower prepare.folds to 4"),
    ],
)
def test_cohorts_that_cannot_be_classified(patients: dict, message: str) -> None:
    with pytest.raises(CohortError, match=message):
        check_two_classes(cases_of(patients), "m", folds=5)


def test_no_number_of_folds_is_advised_where_none_would_do() -> None:
    with pytest.raises(CohortError, match="class m has 2 patient.s., .* needs one: add cases"):
        check_two_classes(cases_of({**{f"p{k}": "b" for k in range(12)}, "x": "m", "y": "m"}), "m", folds=5)


def test_without_a_test_set_one_patient_less_is_enough() -> None:
    check_two_classes(cases_of({**MANY, "p1": "b"}), "m", folds=5, test=False)


def test_the_positive_class_must_be_one_of_them() -> None:
    with pytest.raises(ConfigError, match="no class 'malignant'; its classes are b .*, m "):
        check_two_classes(cases_of(MANY), "malignant", folds=5)


def test_every_part_must_hold_both() -> None:
    cases = cases_of({"p1": "bm", "p2": "bm", "p3": "bb"})
    good = {"test": ["p1_0", "p1_1"], "folds": [["p2_0", "p2_1", "p3_0", "p3_1"]]}
    check_parts(cases, good)
    check_parts(cases, {**good, "test": []})
    with pytest.raises(CohortError, match="fold1 has no case of the class m"):
        check_parts(cases, {"test": good["test"], "folds": [["p2_0", "p2_1"], ["p3_0", "p3_1"]]})
    with pytest.raises(CohortError, match="fold1 .* each fold is a site. Leave this site out"):
        check_parts(cases, {"test": [], "folds": [["p1_0", "p1_1", "p2_0", "p2_1"], ["p3_0", "p3_1"]]})
    assert counts_of_parts(cases, good)["fold0"] == {"cases": 4, "patients": 2, "classes": {"b": 3, "m": 1}}
