"""Limits of classes: exact, nested, of as many patients as can be."""

from __future__ import annotations

from collections import Counter

import pytest
from class_cases import cases_of, lesions

from synthtrial.cohorts.class_limit import limited
from synthtrial.errors import ConfigError


def ids(refs) -> set[str]:
    return {ref.case_id for ref in refs}


@pytest.mark.parametrize("seed", range(5))
def test_exact_and_the_other_class_is_untouched(seed: int) -> None:
    refs = lesions(seed)
    taken = limited(refs, {"b": 100, "m": None}, seed)
    assert Counter(ref.label for ref in taken) == {"b": 100, "m": 60}
    assert taken == [ref for ref in refs if ref in taken] == limited(refs, {"b": 100}, seed)


def test_a_smaller_limit_is_a_part_of_a_larger_one() -> None:
    refs = lesions()
    sizes = [1, 7, 100, 299, 301, 1000]
    taken = [ids(limited(refs, {"b": size, "m": 5}, 3)) for size in sizes]
    assert all(small < large for small, large in zip(taken, taken[1:], strict=False))


def test_one_case_of_each_patient_before_a_second_one_of_any() -> None:
    refs = lesions()
    for size, most in ((250, 1), (300, 1), (301, 2), (550, 2)):
        counts = Counter(ref.patient_id for ref in limited(refs, {"b": size, "m": 1}, 0) if ref.label == "b")
        assert max(counts.values()) == most and len(counts) == min(size, 300)


def test_the_seed_decides_and_the_order_of_files_does_not() -> None:
    refs = lesions()
    first, other = (ids(limited(refs, {"b": 50}, seed)) for seed in (0, 1))
    assert first != other
    assert {ref.patient_id for ref in limited(refs, {"b": 50}, 0)} == {
        ref.patient_id for ref in limited(refs[::-1], {"b": 50}, 0)
    }


def test_cases_without_a_class_stay() -> None:
    refs = [*cases_of({"p1": "bb"}), *cases_of({"p2": " "})]
    refs[-1] = refs[-1].__class__(**{**refs[-1].__dict__, "label": ""})
    assert len(limited(refs, {"b": 1}, 0)) == 2


@pytest.mark.parametrize(
    ("limit", "message"),
    [({"bening": 3}, "no class 'bening'; its classes are b, m"), ({"m": 61}, "is 61, but the cohort has 60 cases")],
)
def test_limits_that_cannot_be(limit: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        limited(lesions(), limit, 0)
