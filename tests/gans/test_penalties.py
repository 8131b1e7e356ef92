"""Penalties on gradients, of critics whose gradient is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from synthtrial.gans.penalties import gradient_penalty, r1


def linear_critic(slope: float, voxels: int) -> nn.Module:
    """A critic whose gradient has the same norm everywhere."""
    critic = nn.Sequential(nn.Flatten(), nn.Linear(voxels, 1))
    nn.init.constant_(critic[1].weight, slope / voxels**0.5)
    return critic


@pytest.mark.parametrize(("slope", "expected"), [(0.5, 0.25), (1.0, 0.0), (3.0, 4.0)])
@pytest.mark.parametrize("shape", [(2, 1, 4, 4), (3, 2, 4, 4, 4)])
def test_the_penalty_is_the_squared_distance_of_the_slope_from_one(
    slope: float, expected: float, shape: tuple[int, ...]
) -> None:
    critic = linear_critic(slope, torch.Size(shape[1:]).numel())
    penalty = gradient_penalty(critic, torch.rand(shape), torch.rand(shape))
    assert penalty.item() == pytest.approx(expected, abs=1e-5)


def test_r1_is_the_squared_slope() -> None:
    assert r1(linear_critic(3.0, 32), torch.rand(4, 2, 4, 4)).item() == pytest.approx(9, abs=1e-4)


def test_the_norm_is_of_each_sample_not_of_the_batch() -> None:
    def critic(images: Tensor) -> Tensor:
        return images.flatten(1).sum(1) * torch.tensor([1.0, 3.0])

    images = torch.rand(2, 1, 1, 1)
    assert gradient_penalty(critic, images, images).item() == pytest.approx((0 + 4) / 2)
    assert r1(critic, images).item() == pytest.approx((1 + 9) / 2)


def test_every_sample_is_judged_at_a_point_of_its_own_between_real_and_fake() -> None:
    seen = []

    def critic(images: Tensor) -> Tensor:
        seen.append(images.detach())
        return images.square().flatten(1).sum(1)

    gradient_penalty(critic, torch.ones(64, 2, 4, 4), torch.zeros(64, 2, 4, 4))
    shares = seen[0].flatten(1)
    assert torch.equal(shares.amin(1), shares.amax(1))
    assert shares.min() >= 0
    assert shares.max() <= 1
    assert len(shares[:, 0].unique()) > 32


@pytest.mark.parametrize("name", ["gradient_penalty", "r1"])
def test_the_critic_learns_from_its_penalty_but_the_images_do_not(name: str) -> None:
    critic = nn.Sequential(nn.Conv2d(1, 2, 3), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(8, 1))
    real, fake = torch.rand(2, 1, 4, 4, requires_grad=True), torch.rand(2, 1, 4, 4, requires_grad=True)
    penalty = gradient_penalty(critic, real, fake) if name == "gradient_penalty" else r1(critic, real)
    penalty.backward()
    weight = critic[0].weight
    assert isinstance(weight, nn.Parameter)
    assert weight.grad is not None
    assert weight.grad.abs().sum() > 0
    assert real.grad is None
    assert fake.grad is None


def test_a_flat_critic_has_a_finite_gradient() -> None:
    critic = linear_critic(0.0, 16)
    penalty = gradient_penalty(critic, torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4))
    penalty.backward()
    assert penalty.item() == 1
    assert all(p.grad is None or p.grad.isfinite().all() for p in critic.parameters())


def test_penalties_are_computed_in_full_precision_whatever_comes_in() -> None:
    critic, images = linear_critic(3.0, 16), torch.rand(2, 1, 4, 4).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = gradient_penalty(critic, images, images), r1(critic, images)
    assert [value.dtype for value in found] == [torch.float32] * 2
    assert [value.item() for value in found] == pytest.approx([4, 9], rel=1e-5)
