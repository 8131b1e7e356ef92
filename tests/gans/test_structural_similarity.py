"""MS-SSIM as a loss."""

from __future__ import annotations

import pytest
import torch

from synthtrial.gans.structural_similarity import ms_ssim_loss


@pytest.mark.parametrize("size", [(16, 16), (32, 40), (16, 16, 16), (128, 128)])
def test_equal_images_have_no_loss(size: tuple[int, ...]) -> None:
    image = torch.rand(2, 2, *size) * 2 - 1
    assert ms_ssim_loss(image, image).item() == pytest.approx(0, abs=1e-5)


def test_the_loss_is_symmetric_and_grows_with_noise() -> None:
    torch.manual_seed(0)
    image, noise = torch.rand(2, 1, 64, 64) * 2 - 1, torch.randn(2, 1, 64, 64)
    losses = [ms_ssim_loss(image, image + strength * noise) for strength in (0.1, 0.3, 1.0)]
    assert sorted(losses) == losses
    torch.testing.assert_close(ms_ssim_loss(image + noise, image), losses[-1])


def test_constant_images_differ_by_luminance_alone() -> None:
    """One scale fits into 8 voxels, and (2 x y + c) / (x^2 + y^2 + c) is left of the formula."""
    found = ms_ssim_loss(torch.full((1, 1, 8, 8), 0.5), torch.full((1, 1, 8, 8), 1.0))
    assert found.item() == pytest.approx(1 - (2 * 0.5 + 0.0004) / (1.25 + 0.0004), abs=1e-3)


def test_agrees_with_monai_within_the_windows_it_has() -> None:
    from monai.metrics.regression import compute_ms_ssim

    torch.manual_seed(0)
    first = torch.rand(2, 1, 40, 40) * 2 - 1
    second = 0.8 * first + 0.2 * torch.rand(2, 1, 40, 40)
    weights = torch.tensor([0.0448, 0.2856, 0.3001])
    expected = compute_ms_ssim(
        first,
        second,
        2,
        data_range=2.0,
        kernel_type="uniform",
        kernel_size=7,
        weights=(weights / weights.sum()).tolist(),
    )
    assert ms_ssim_loss(first, second).item() == pytest.approx(1 - expected.mean().item(), abs=1e-4)


def test_the_gradient_is_finite_even_for_opposite_images() -> None:
    image = (torch.rand(1, 1, 32, 32) * 2 - 1).requires_grad_()
    ms_ssim_loss(image, -image.detach()).backward()
    assert image.grad is not None
    assert image.grad.isfinite().all()
