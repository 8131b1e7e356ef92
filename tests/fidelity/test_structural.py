from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.metrics.regression import compute_ms_ssim
from scipy import ndimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.metrics.structural import ms_ssim, psnr, scales_of, ssim


def textured(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    texture = ndimage.gaussian_filter(
        np.random.default_rng(seed).standard_normal(shape), (0, *[1.5] * (len(shape) - 1))
    )
    return (0.5 * texture / abs(texture).max() - 0.3).astype(np.float32)


def noisy(image: np.ndarray, deviation: float) -> np.ndarray:
    return np.clip(image + np.random.default_rng(9).normal(0, deviation, image.shape), -1, 1).astype(np.float32)


@pytest.mark.parametrize("shape", [(1, 40, 33), (2, 17, 24, 20)])
def test_equal_to_scikit_image(shape: tuple[int, ...]) -> None:
    first, second = textured(shape), noisy(textured(shape), 0.1)
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
    expected = structural_similarity((first + 1) / 2, (second + 1) / 2, channel_axis=0, **settings)
    assert ssim(first, second) == pytest.approx(expected, abs=1e-6)
    assert psnr(first, second) == pytest.approx(peak_signal_noise_ratio(first, second, data_range=2.0))


@pytest.mark.parametrize(("shape", "scales"), [((1, 180, 177), 5), ((1, 46, 45, 50), 3)])
def test_multi_scale_equals_monai(shape: tuple[int, ...], scales: int) -> None:
    first, second = textured(shape), noisy(textured(shape), 0.1)
    weights = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333][:scales])
    tensors = [torch.from_numpy((image[None] + 1) / 2) for image in (first, second)]
    expected = compute_ms_ssim(*tensors, spatial_dims=len(shape) - 1, weights=list(weights / weights.sum()))
    assert scales_of(shape[1:]) == scales
    assert ms_ssim(first, second) == pytest.approx(float(expected), abs=1e-4)


@pytest.mark.parametrize("shape", [(1, 24, 24), (2, 16, 12, 24)])
def test_equal_images_score_best_and_noise_lowers_step_by_step(shape: tuple[int, ...]) -> None:
    image = textured(shape)
    assert psnr(image, image) == 100
    assert ssim(image, image) == pytest.approx(1, abs=1e-12)
    assert ms_ssim(image, image) == pytest.approx(1, abs=1e-12)
    for metric in (psnr, ssim, ms_ssim):
        values = [metric(image, noisy(image, deviation)) for deviation in (0, 0.05, 0.1, 0.2, 0.4)]
        assert values == sorted(values, reverse=True) and values[-1] < 0.6 * values[0]


def test_psnr_by_hand() -> None:
    assert psnr(np.zeros((1, 2, 2)), np.full((1, 2, 2), 0.2)) == pytest.approx(20)
    assert psnr(np.zeros((1, 2, 2)), np.full((1, 2, 2), 1e-9)) == 100


def test_constant_images() -> None:
    dark, bright = np.full((1, 24, 24), -1.0), np.full((1, 24, 24), 1.0)
    assert ssim(dark, dark) == ms_ssim(dark, dark) == pytest.approx(1)
    assert ssim(dark, bright) < 0.001 and ms_ssim(dark, bright) < 0.1


def test_inverted_structure_counts_as_none() -> None:
    image = textured((1, 30, 30)) + 0.3
    assert ssim(image, -image) < 0
    assert ms_ssim(image, -image) == 0


def test_smaller_images_have_fewer_scales() -> None:
    assert [scales_of((size, 300)) for size in (11, 21, 22, 43, 44, 87, 88, 175, 176, 900)] == [
        *(1, 1, 2, 2, 3, 3, 4, 4, 5, 5)
    ]
    small = textured((1, 21, 21))
    assert ms_ssim(small, noisy(small, 0.1)) == pytest.approx(ssim(small, noisy(small, 0.1)))


@pytest.mark.parametrize("metric", [psnr, ssim, ms_ssim])
@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (np.zeros((1, 16, 16)), np.zeros((1, 16, 17)), "one shape"),
        (np.zeros((16, 16)), np.zeros((16, 16)), r"\(C, \*spatial\)"),
        (np.zeros((1, 16, 16)), np.full((1, 16, 16), np.nan), "NaN"),
    ],
)
def test_images_that_cannot_be_compared(metric, first: np.ndarray, second: np.ndarray, message: str) -> None:
    with pytest.raises(SynthtrialError, match=message):
        metric(first, second)


@pytest.mark.parametrize("metric", [ssim, ms_ssim])
def test_images_smaller_than_the_window(metric) -> None:
    with pytest.raises(SynthtrialError, match="window of 11 voxels"):
        metric(np.zeros((1, 16, 10)), np.zeros((1, 16, 10)))
