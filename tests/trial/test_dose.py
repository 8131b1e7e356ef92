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
