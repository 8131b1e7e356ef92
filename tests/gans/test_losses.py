"""Adversarial losses: their values at known logits and their direction."""

from __future__ import annotations

import math

import pytest
import torch

from synthtrial.errors import ConfigError
from synthtrial.gans.losses import accuracy, check_loss, discriminator_terms, generator_terms

LOSSES = ["non_saturating", "hinge", "least_squares"]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_better_discriminator_has_a_lower_loss(loss: str) -> None:
    def total(real: float, fake: float) -> float:
        return float(sum(discriminator_terms(loss, torch.tensor([real]), torch.tensor([fake])).values()))

    assert total(0.9, 0.1) < total(0.5, 0.5) < total(0.1, 0.9)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_generator_that_is_believed_has_a_lower_loss(loss: str) -> None:
    def term(fake: float) -> torch.Tensor:
        return generator_terms(loss, torch.tensor([fake]))["adversarial"]

    assert term(0.9) < term(0.5) < term(0.1)


def test_values_at_undecided_logits() -> None:
    zero = torch.zeros(4)
    assert float(generator_terms("non_saturating", zero)["adversarial"]) == pytest.approx(math.log(2))
    assert {k: float(v) for k, v in discriminator_terms("hinge", zero, zero).items()} == {"real": 1.0, "fake": 1.0}
    assert {k: float(v) for k, v in discriminator_terms("least_squares", zero, zero).items()} == {
        "real": 0.5,
        "fake": 0,
    }


def test_accuracy_counts_real_and_fake() -> None:
    assert float(accuracy("hinge", torch.tensor([1.0, 2.0]), torch.tensor([-1.0, 1.0]))) == 0.75


def test_an_unknown_loss_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ConfigError, match="non_saturating, hinge, least_squares"):
        check_loss("wasserstein")
