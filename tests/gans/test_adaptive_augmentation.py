"""Adaptive augmentation: what it does to images and masks, to gradients, and how its probability follows."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from synthtrial.errors import ConfigError
from synthtrial.gans.adaptive_augmentation import AdaptiveAugmentation
from synthtrial.gans.affine_augmentation import moved, random_motions, rotation, scaling, translation
from synthtrial.gans.colour_augmentation import recoloured

ALWAYS = torch.tensor(1.0)


def augmentation(dims: int = 2, mask_channels: int = 0, **settings: Any) -> AdaptiveAugmentation:
    return AdaptiveAugmentation(dims, mask_channels, **{"probability": 1.0, "mirror_axes": [0]} | settings)


@pytest.mark.parametrize("dims", [2, 3])
def test_at_probability_zero_nothing_changes(dims: int) -> None:
    images = torch.rand(4, 2, *[8, 12, 6][:dims])
    torch.testing.assert_close(augmentation(dims, probability=0.0)(images), images, atol=1e-5, rtol=0)


@pytest.mark.parametrize("dims", [2, 3])
def test_autocast_does_not_blur_places(dims: int) -> None:
    """bfloat16 has 8 binary digits: places in an image of 64 voxels would be off by a quarter of a voxel."""
    images = torch.rand(2, 1, *[64] * dims)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        changed = augmentation(dims, probability=0.0)(images)
    torch.testing.assert_close(changed, images, atol=1e-4, rtol=0)


@pytest.mark.parametrize("dims", [2, 3])
def test_image_and_mask_move_together(dims: int) -> None:
    one = torch.rand(8, 1, *[8] * dims)
    changed = augmentation(dims, mask_channels=1, colours=False)(torch.cat([one, one], dim=1))
    torch.testing.assert_close(changed[:, 0], changed[:, 1])
    assert not torch.allclose(changed[:, :1], one)


def test_colours_change_the_image_and_never_its_masks() -> None:
    images = torch.rand(8, 5, 8, 8)
    changed = augmentation(mask_channels=2, blits=False, motions=False)(images)
    assert torch.equal(changed[:, 3:], images[:, 3:])
    assert not torch.allclose(changed[:, :3], images[:, :3])


@pytest.mark.parametrize("dims", [2, 3])
def test_blits_only_rearrange_voxels(dims: int) -> None:
    """Reflection at the edges repeats voxels of the image, and makes no new values."""
    images = torch.arange(8.0**dims).view(1, 1, *[8] * dims).repeat(32, 1, *[1] * dims)
    changed = augmentation(dims, motions=False, colours=False)(images)
    assert torch.equal(changed, changed.round())
    assert len({tuple(image.flatten().tolist()) for image in changed}) > 16


def test_a_quarter_turn_of_the_grid_is_a_quarter_turn_of_the_image() -> None:
    images = torch.rand(1, 1, 6, 6)
    quarter = rotation(torch.tensor([torch.pi / 2]), torch.tensor([[1.0, 0.0, 0.0]]), 2)
    turned = moved(images, quarter)
    assert any(torch.allclose(turned, torch.rot90(images, k, (2, 3)), atol=1e-5) for k in (1, 3))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_axes_and_voxels_are_those_of_the_image(axis: int) -> None:
    images = torch.rand(1, 1, 6, 7, 8)
    offset = torch.zeros(1, 3)
    offset[0, axis] = 2.0
    length = images.shape[2 + axis] - 2
    shifted = moved(images, translation(offset))
    torch.testing.assert_close(shifted.narrow(2 + axis, 0, length), images.narrow(2 + axis, 2, length))
    factors = torch.ones(1, 3)
    factors[0, axis] = -1.0
    torch.testing.assert_close(moved(images, scaling(factors)), images.flip(2 + axis))


def test_a_rotation_in_3d_keeps_its_axis_and_all_lengths() -> None:
    about = torch.nn.functional.normalize(torch.randn(5, 3), dim=1)
    turn = rotation(torch.rand(5) * 6, about, 3)[:, :3, :3]
    torch.testing.assert_close((turn @ about[:, :, None])[:, :, 0], about)
    torch.testing.assert_close(turn @ turn.transpose(1, 2), torch.eye(3).expand(5, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.linalg.det(turn), torch.ones(5))


@pytest.mark.parametrize("dims", [2, 3])
def test_motions_are_as_often_as_the_probability_says(dims: int) -> None:
    """Four chances: scaling, a rotation before or after it, stretching, a shift."""
    probability = torch.tensor(0.3)
    matrices = random_motions(4000, [8] * dims, probability)
    unmoved = (matrices == torch.eye(dims + 1)).flatten(1).all(dim=1).float().mean()
    assert unmoved == pytest.approx((1 - 0.3) ** 4, abs=0.03)


@pytest.mark.parametrize("dims", [2, 3])
def test_gradients_are_the_transpose_and_can_be_differentiated_again(dims: int) -> None:
    images = torch.rand(2, 1, *[5] * dims, dtype=torch.float64, requires_grad=True)
    matrices = random_motions(2, [5] * dims, ALWAYS).double()
    assert torch.autograd.gradcheck(lambda x: moved(x, matrices), images)
    assert torch.autograd.gradgradcheck(lambda x: moved(x, matrices), images)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_grey_images_stay_grey(channels: int) -> None:
    """The axis from black to white is the one that all changes of colour keep."""
    images = torch.rand(16, 1, 4, 4).expand(-1, channels, 4, 4)
    changed = recoloured(images, ALWAYS)
    torch.testing.assert_close(changed, changed[:, :1].expand_as(changed))
    assert not torch.allclose(changed, images)


def test_hue_turns_colours_about_grey() -> None:
    """Changes of hue and saturation keep the angle between two colours, and scale both alike."""
    colours = torch.randn(1, 3, 1, 2).expand(16, 3, 1, 2)
    before = colours - colours.mean(dim=1, keepdim=True)
    changed = recoloured(colours, ALWAYS)
    after = changed - changed.mean(dim=1, keepdim=True)
    angles = [torch.cosine_similarity(x[..., 0], x[..., 1], dim=1) for x in (before, after)]
    torch.testing.assert_close(angles[0], angles[1], atol=1e-4, rtol=1e-4)


def test_the_probability_rises_and_falls_by_the_images_seen() -> None:
    augment = augmentation(probability=0.5, target=0.6, images_per_unit=100, every=2)
    for logits, expected in ((torch.ones(4, 1), 0.58), (torch.tensor([[3.0], [-1.0], [2.0], [-5.0]]), 0.5)):
        augment.observe(logits)
        before = augment.probability.clone()
        augment.adapt(batch_size=4)
        assert torch.equal(augment.probability, before)
        augment.observe(logits)
        augment.adapt(batch_size=4)
        augment.adapt(batch_size=4)
        assert augment.probability.item() == pytest.approx(expected)


def test_the_probability_stays_within_its_range_and_its_state_is_saved() -> None:
    augment = augmentation(images_per_unit=1, every=1)
    augment.observe(torch.ones(4, 1))
    assert set(augment.state_dict()) == {"probability", "sign_sum", "images"}
    assert augment.state_dict()["sign_sum"] == 4
    augment.adapt(batch_size=4)
    assert augment.probability == 1


def test_without_a_target_the_probability_is_fixed() -> None:
    augment = augmentation(probability=0.25, target=None)
    augment.observe(torch.ones(400, 1))
    augment.adapt(batch_size=1)
    assert augment.probability == 0.25


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"probability": 1.5}, "probability=1.5 must lie in"),
        ({"target": 2.0}, "mean of signs"),
        ({"every": 0}, "at least 1"),
        ({"mirror_axes": [2]}, "no spatial axis 2; there are 0 to 1"),
    ],
)
def test_values_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        augmentation(**settings)
