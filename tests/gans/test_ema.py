"""The averaged generator."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from synthtrial.gans import ema


def test_decay_halves_over_the_half_life() -> None:
    assert ema.decay(images=500, images_seen=10**6, half_life=500) == pytest.approx(0.5)
    assert ema.decay(images=5, images_seen=10**6, half_life=500) ** 100 == pytest.approx(0.5)


def test_the_half_life_grows_with_the_images_seen() -> None:
    assert ema.decay(images=8, images_seen=1000, half_life=500) == pytest.approx(0.5 ** (8 / 50))


def test_update_moves_parameters_and_copies_buffers() -> None:
    module = nn.BatchNorm1d(3)
    average = ema.frozen_copy(module)
    with torch.no_grad():
        module.weight.fill_(3.0)
        module.get_buffer("running_mean").fill_(7.0)
    ema.update(average, module, 0.75)
    torch.testing.assert_close(average.weight, torch.full((3,), 0.75 * 1 + 0.25 * 3))
    torch.testing.assert_close(average.get_buffer("running_mean"), torch.full((3,), 7.0))
    assert not average.weight.requires_grad
    assert not average.training
