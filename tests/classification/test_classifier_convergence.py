"""A network that learned nothing is named; the bar is the best single answer, in terms of its own loss."""

from __future__ import annotations

import math

import pytest
import torch

from synthtrial.classification.convergence import why_not_learned
from synthtrial.classification.losses import constant_loss, criterion_for


def curve(losses: list[float]) -> list[dict[str, float | None]]:
    return [{"step": step + 1, "loss": loss, "validation_loss": None} for step, loss in enumerate(losses)]


def entropy(share: float) -> float:
    return -share * math.log(share) - (1 - share) * math.log(1 - share)


@pytest.mark.parametrize("positives", [1, 5, 9])
def test_the_bar_of_cross_entropy_is_the_entropy_of_the_class_share(positives):
    labels = [1] * positives + [0] * (10 - positives)
    assert constant_loss(criterion_for("none", labels, 2.0), labels) == pytest.approx(entropy(positives / 10), rel=1e-3)


def test_the_bar_of_class_weights_is_that_of_even_classes():
    labels = [1] + [0] * 9
    assert constant_loss(criterion_for("class_weights", labels, 2.0), labels) == pytest.approx(math.log(2), rel=1e-3)


def test_the_bar_of_the_focal_loss_is_below_that_of_its_mean_answer():
    labels = [1] + [0] * 9
    focal = criterion_for("focal", labels, 2.0)
    half = focal(torch.zeros(10), torch.tensor(labels, dtype=torch.float32)).mean()
    assert 0 < constant_loss(focal, labels) < float(half)


def test_class_weights_weigh_both_classes_alike_and_have_a_mean_of_one():
    labels = torch.tensor([1.0, 0, 0, 0])
    losses = criterion_for("class_weights", [1, 0, 0, 0], 2.0)(torch.zeros(4), labels) / math.log(2)
    assert losses.mean() == pytest.approx(1) and losses[0] == pytest.approx(float(losses[1:].sum()))


def test_the_focal_loss_without_its_turn_is_weighted_cross_entropy_and_with_it_cares_less_for_easy_cases():
    logits, labels = torch.tensor([3.0, -1.0, 0.5]), torch.tensor([1.0, 0.0, 1.0])
    cross_entropy = criterion_for("none", [0, 1], 0.0)(logits, labels)
    weighted = criterion_for("focal", [0, 1], 0.0)(logits, labels)
    assert torch.allclose(weighted, cross_entropy * torch.tensor([0.25, 0.75, 0.25]))
    ratio = criterion_for("focal", [0, 1], 2.0)(logits, labels) / weighted
    assert torch.allclose(ratio, torch.sigmoid(torch.tensor([-3.0, -1.0, -0.5])) ** 2)  # (1 - p_t)^2


def test_a_network_that_is_hardly_better_than_one_answer_is_named():
    assert "one answer for all cases (loss 0.68" in why_not_learned(curve([0.8] * 40 + [0.68] * 10), math.log(2))
    assert why_not_learned(curve([0.69] * 40 + [0.5] * 10), math.log(2)) == ""


def test_a_rare_class_raises_the_bar():
    """A loss of 0.3 is something with even classes, and nothing where one in ten is positive."""
    ended = curve([0.6] * 40 + [0.32] * 10)
    assert why_not_learned(ended, entropy(0.5)) == "" != why_not_learned(ended, entropy(0.1))
