"""The watch for collapse."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_gans import tiny_dcgan

from synthtrial.gans.base import GAN
from synthtrial.gans.model import build, load_weights
from synthtrial.gans.watch import PATIENCE, CollapseWatch, diversity


def make(folder: Path, patience: int | None = 2) -> tuple[GAN, CollapseWatch]:
    real, samples = torch.randn(4, 2, 16, 16, 16), None
    return build(tiny_dcgan()), CollapseWatch(real, samples, 0.2, patience, folder)  # type: ignore[arg-type]


def test_diversity_is_the_mean_distance_of_pairs() -> None:
    images = torch.tensor([0.0, 3.0, 6.0]).view(3, 1, 1, 1)
    assert diversity(images) == pytest.approx(4.0)
    assert diversity(images[:1]) == 0
    assert diversity(torch.ones(3, 1, 2, 2)) == 0


def test_a_fall_of_diversity_is_a_collapse_and_the_weights_before_it_are_kept(tmp_path: Path) -> None:
    gan, watch = make(tmp_path)
    watch.check(gan, found=0.5 * watch.real_diversity, accuracy=0.7)
    kept = gan.generator_ema.state_dict()["dense.0.weight"].clone()
    gan.generator_ema.requires_grad_(False).dense[0].weight.zero_()  # type: ignore[index, union-attr]
    with pytest.warns(UserWarning, match="collapsed.*diversity of samples is 0.10"):
        watch.check(gan, found=0.1 * watch.real_diversity, accuracy=0.7)
    assert watch.was_good
    load_weights(gan, watch.good)
    assert torch.equal(gan.generator_ema.state_dict()["dense.0.weight"], kept)


def test_an_untrained_generator_is_not_yet_collapsed_but_one_that_never_rises_is(tmp_path: Path) -> None:
    gan, watch = make(tmp_path)
    watch.check(gan, found=0.0, accuracy=0.5)  # would fail here if it warned
    assert watch.reason
    assert not watch.was_good
    watch.check(gan, found=watch.real_diversity, accuracy=0.5)
    assert not watch.reason


def test_a_discriminator_that_is_always_right_is_a_collapse_after_some_checks(tmp_path: Path) -> None:
    gan, watch = make(tmp_path)
    for _ in range(PATIENCE - 1):
        watch.check(gan, found=watch.real_diversity, accuracy=1.0)
        assert not watch.reason
    with pytest.warns(UserWarning, match="discriminator is right"):
        watch.check(gan, found=watch.real_diversity, accuracy=1.0)


def test_it_gives_up_after_bad_checks_in_a_row_but_not_before_a_good_one(tmp_path: Path) -> None:
    gan, watch = make(tmp_path, patience=2)
    for _ in range(3):
        watch.check(gan, found=0.0, accuracy=0.5)
        assert not watch.gave_up
    watch.check(gan, found=watch.real_diversity, accuracy=0.5)
    with pytest.warns(UserWarning, match="collapsed"):
        watch.check(gan, found=0.0, accuracy=0.5)
    assert not watch.gave_up
    watch.check(gan, found=0.0, accuracy=0.5)
    assert watch.gave_up
    other = make(tmp_path, patience=None)[1]
    other.load_state_dict(watch.state_dict())
    assert not other.gave_up


def test_state_survives(tmp_path: Path) -> None:
    gan, watch = make(tmp_path)
    watch.check(gan, found=watch.real_diversity, accuracy=0.5)
    other = make(tmp_path)[1]
    other.load_state_dict(watch.state_dict())
    assert other.state_dict() == watch.state_dict()
