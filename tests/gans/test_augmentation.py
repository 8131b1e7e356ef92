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


COLOURS = {"brightness": 0.5, "contrast": 0.5, "saturation": 1.0}


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("image_channels", [1, 3])
def test_colours_change_the_image_and_never_the_mask(dims: int, image_channels: int) -> None:
    images = torch.rand(4, image_channels + 2, *[8] * dims)
    changed = Augmentation(**COLOURS)(images, mask_channels=2)
    assert torch.equal(changed[:, image_channels:], images[:, image_channels:])
    assert all(
        not torch.equal(*pair) for pair in zip(changed[:, :image_channels], images[:, :image_channels], strict=True)
    )


def test_brightness_adds_one_number_per_sample() -> None:
    images = torch.rand(16, 1, 8, 8)
    added = Augmentation(brightness=0.25)(images, mask_channels=0) - images
    torch.testing.assert_close(added, added[:, :, :1, :1].expand_as(added))
    assert 0.1 < added.abs().max() <= 0.25
    assert added.flatten(1).std(0).min() > 0


def test_contrast_keeps_the_mean_and_bounds_the_spread() -> None:
    images = torch.rand(16, 2, 8, 8)
    changed = Augmentation(contrast=0.5)(images, mask_channels=0)
    torch.testing.assert_close(changed.flatten(1).mean(1), images.flatten(1).mean(1))
    ratio = changed.flatten(1).std(1) / images.flatten(1).std(1)
    assert 0.5 <= ratio.min() < ratio.max() <= 1.5


def test_saturation_keeps_grey_and_images_without_three_channels() -> None:
    images = torch.rand(16, 3, 8, 8)
    augment = Augmentation(saturation=1.0)
    changed = augment(images, mask_channels=0)
    torch.testing.assert_close(changed.mean(1), images.mean(1))
    assert not torch.allclose(changed, images)
    grey = images[:, :1].expand(-1, 3, -1, -1)
    torch.testing.assert_close(augment(grey, mask_channels=0), grey)
    assert torch.equal(augment(images, mask_channels=1), images)


def test_colours_are_differentiable_and_alike_in_all_views() -> None:
    image = torch.rand(8, 4, 16, 16, requires_grad=True)
    small = torch.nn.functional.avg_pool2d(image, 4)
    changed, changed_small = Augmentation(shift=0.25, **COLOURS).together(image, small, mask_channels=1)
    torch.testing.assert_close(torch.nn.functional.avg_pool2d(changed, 4), changed_small)
    changed.sum().backward()
    assert image.grad is not None
    assert image.grad.isfinite().all()


def test_colours_leave_the_draws_of_moves_without_colours_as_they_were() -> None:
    images = torch.rand(4, 2, 8, 8)
    settings = {"shift": 0.25, "mirror_axes": [0], "mirror_probability": 0.4}
    torch.manual_seed(0)
    before = Augmentation(**settings)(images)
    torch.manual_seed(0)
    assert torch.equal(before, Augmentation(**settings, brightness=0.0)(images, mask_channels=1))


def test_colours_need_to_know_the_masks() -> None:
    with pytest.raises(ConfigError, match="can't tell image from mask channels"):
        Augmentation(brightness=0.1)(torch.zeros(1, 2, 8, 8))


@pytest.mark.parametrize("name", COLOURS)
def test_colours_out_of_range_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"augment.{name}=1.5"):
        Augmentation(**{name: 1.5})
