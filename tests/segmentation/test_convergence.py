"""A fold model that failed to learn is named; one that learned is not."""

from __future__ import annotations

import math

import pytest

from synthtrial.segmentation.convergence import why_not_learned
from synthtrial.supervised.curve import unfinished


def curve(losses: list[float], dice: dict[int, float] | None = None) -> list[dict[str, float | None]]:
    dice = dice or {}
    return [
        {"step": 10 * (place + 1), "loss": loss, "validation_dice": dice.get(place)}
        for place, loss in enumerate(losses)
    ]


LEARNING = [0.2 + math.exp(-place / 5) for place in range(50)]


def test_a_model_that_learned_is_not_named():
    assert why_not_learned(curve(LEARNING, {24: 0.6, 49: 0.7})) == ""
    assert why_not_learned(curve(LEARNING)) == ""  # without validation cases the loss alone speaks
    assert unfinished(curve(LEARNING)) == ""


@pytest.mark.parametrize("losses", [[1.0] * 50, [1 + place / 50 for place in range(50)], [1.0]])
def test_a_loss_that_did_not_fall_is_named(losses):
    assert "loss did not fall" in why_not_learned(curve(losses))


def test_a_model_that_finds_nothing_is_named_although_its_loss_fell():
    nothing = "it finds next to nothing (validation Dice 0.010 at step 500)"
    assert why_not_learned(curve(LEARNING, {49: 0.01})) == nothing


def test_a_model_that_lost_what_it_had_learned_is_named():
    reason = why_not_learned(curve(LEARNING, {9: 0.3, 24: 0.62, 49: 0.2}))
    assert reason == "it lost what it had learned (validation Dice 0.62 at step 250, 0.20 at step 500)"
    assert why_not_learned(curve(LEARNING, {24: 0.62, 49: 0.55})) == ""


def test_every_reason_is_told():
    reason = why_not_learned(curve([1.0] * 50, {24: 0.4, 49: 0.0}))
    assert all(words in reason for words in ("did not fall", "next to nothing", "lost what it had learned"))


def test_a_loss_that_still_falls_steeply_at_the_end_is_a_remark_and_no_failure():
    falling = curve([2.0 * 0.95**place for place in range(50)], {49: 0.5})
    assert why_not_learned(falling) == ""
    assert "still falling at the end" in unfinished(falling)


def test_the_last_phase_alone_tells_whether_it_was_finished():
    assert unfinished(curve([1.0])) == ""
    assert unfinished(curve([1.0, 0.5])) != ""
