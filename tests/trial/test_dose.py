"""Series of arms that differ in one amount alone."""

from __future__ import annotations

from synthtrial.trial.arm import Arm
from synthtrial.trial.dose import dose_series


def test_the_reference_is_dose_zero_and_cases_alone_are_a_series_of_their_own():
    arms = [
        Arm("real"),
        Arm("more", 1.0, {"gan": 2.0}),
        Arm("some", 1.0, {"gan": 0.5}),
        Arm("alone", 0.0, {"gan": 1.0}),
        Arm("alone_2x", 0.0, {"gan": 2.0}),
    ]
    beside, alone = dose_series(arms)
    assert dict(beside.arms) == {0.0: "real", 0.5: "some", 2.0: "more"} and beside.beside == ["real cases"]
    assert dict(alone.arms) == {1.0: "alone", 2.0: "alone_2x"} and alone.beside == []
    assert list(beside.arms) == sorted(beside.arms)


def test_arms_that_differ_in_anything_else_are_no_series():
    arms = [
        Arm("real"),
        Arm("one", 1.0, {"gan": 1.0}),
        Arm("half", 0.5, {"gan": 2.0}),
        Arm("first", 1.0, {"gan": 2.0}, pretrain=0.5),
        Arm("other", 1.0, {"other": 2.0}),
        Arm("mixed", 1.0, {"gan": 2.0, "other": 1.0}),
    ]
    assert dose_series(arms) == []


def test_numbers_per_case_of_a_class_begin_with_the_arm_that_has_none():
    """Without synthetic cases it does not matter which class numbers are of; how a classifier is balanced does."""
    arms = [
        Arm("real"),
        Arm("weighted", balance="class_weights"),
        Arm("one", 1.0, {"gan": 1.0}, of="malignant"),
        Arm("two", 1.0, {"gan": 2.0}, of="malignant"),
        Arm("weighted_one", 1.0, {"gan": 1.0}, of="malignant", balance="class_weights"),
        Arm("weighted_two", 1.0, {"gan": 2.0}, of="malignant", balance="class_weights"),
        Arm("of_all", 1.0, {"gan": 4.0}),
    ]
    plain, weighted = dose_series(arms)
    assert dict(plain.arms) == {0.0: "real", 1.0: "one", 2.0: "two"}
    assert dict(weighted.arms) == {0.0: "weighted", 1.0: "weighted_one", 2.0: "weighted_two"}
    assert weighted.beside == ["real cases", "class weights"]
    copies = [
        Arm("copies", augmented=1.0, of="benign"),
        *(Arm(name, 1.0, {"gan": n}, 0.0, 1.0, of="malignant") for name, n in (("a", 1.0), ("b", 2.0))),
    ]
    assert 0.0 not in dose_series(copies)[0].arms
