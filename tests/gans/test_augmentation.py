"""Augmentation moves image and mask together, and lets gradients through."""

from __future__ import annotations

import pytest
import torch

from synthtrial.errors import ConfigError
from synthtrial.gans.augmentation import Augmentation


@pytest.mark.parametrize("dims", [2, 3])
def test_channels_move_together(dims: int) -> None:
    one = torch.rand(16, 1, *[8] * dims)
    moved = Augmentation(shift=0.25, mirror_axes=[0, 1], mirror_probability=0.4)(torch.cat([one, one], dim=1))
    assert moved.shape == (16, 2, *[8] * dims)
    torch.testing.assert_close(moved[:, 0], moved[:, 1])
    assert not torch.equal(moved[:, :1], one)


def test_what_moves_in_is_background_and_what_stays_keeps_its_values() -> None:
    moved = Augmentation(shift=0.25)(torch.ones(64, 1, 8, 8))
    assert set(moved.unique().tolist()) == {-1.0, 1.0}
    assert moved.flatten(1).eq(1).sum(1).min() >= 6 * 6


def test_gradients_pass_to_every_voxel_that_is_still_seen() -> None:
    images = torch.zeros(4, 1, 8, 8, requires_grad=True)
    Augmentation(shift=0.25, mirror_axes=[0])(images).sum().backward()
    assert images.grad is not None
    assert images.grad[:, :, 2:6, 2:6].eq(1).all()


def test_without_settings_nothing_changes() -> None:
    images = torch.rand(2, 1, 8, 8)
    assert Augmentation()(images) is images


def test_mirrors_as_frequent_as_originals_are_refused() -> None:
    with pytest.raises(ConfigError, match="mirror_probability"):
        Augmentation(mirror_probability=0.5)


def test_views_of_different_resolution_move_alike() -> None:
    image = torch.rand(8, 2, 4, 16, 16)
    small = torch.nn.functional.avg_pool3d(image, (1, 4, 4))
    augment = Augmentation(shift=0.25, shift_axes=[1, 2], mirror_axes=[1, 2], mirror_probability=0.4)
    moved, moved_small = augment.together(image, small)
    torch.testing.assert_close(torch.nn.functional.avg_pool3d(moved, (1, 4, 4)), moved_small)
    assert not torch.equal(moved, image)
