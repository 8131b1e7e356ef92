"""Similarity of two images, voxel by voxel and by local structure: PSNR, SSIM, MS-SSIM."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from synthtrial.errors import SynthtrialError

PSNR_CAP = 100.0
"""PSNR of equal images, dB, which would be infinite: about what rounding to the stored int16 leaves of it."""

RADIUS = 5
SIGMA = 1.5
"""The window of SSIM: Gaussian, 11 voxels wide, with this standard deviation in voxels."""

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the scales from fine to coarse."""


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    r"""Peak signal-to-noise ratio.

    .. math:: 10 \log_{10} (2^2 / \operatorname{mean}((x - y)^2))

    where 2 is the range of [-1, 1]. Counts all voxels alike, so a large plain background raises it; blind to structure.

    Args:
        first, second: images `(C, *spatial)` in [-1, 1].

    Returns:
        dB, at most 100: equal images would give infinity, and then no mean over cases would exist.

    Raises:
        SynthtrialError: for shapes that differ or values that are not finite.
    """
    first, second = _checked(first, second, "PSNR")
    error = ((first - second) ** 2).mean()
    return PSNR_CAP if error == 0 else min(float(10 * np.log10(4 / error)), PSNR_CAP)


def ssim(first: np.ndarray, second: np.ndarray) -> float:
    r"""Structural similarity.

    .. math:: \frac{(2 \mu_x \mu_y + c_1)(2 \sigma_{xy} + c_2)}
        {(\mu_x^2 + \mu_y^2 + c_1)(\sigma_x^2 + \sigma_y^2 + c_2)}

    with local means, variances and the covariance under a Gaussian window of 11 voxels, :math:`c_1 = 0.01^2` and
    :math:`c_2 = 0.03^2`, averaged over all places where the window fits, and over channels (Wang et al. 2004, "Image
    quality assessment", eq. 13). It is meant for intensities from 0 up, so images are first mapped from [-1, 1] to
    [0, 1]. In 3D the window is a ball of voxels, whatever their size in mm.

    Constant images are no problem, thanks to :math:`c_1` and :math:`c_2`: two equal ones give 1.

    Args:
        first, second: images `(C, *spatial)` in [-1, 1], 2D or 3D, at least 11 voxels along each axis.

    Returns:
        A value in [-1, 1]; 1 for equal images.

    Raises:
        SynthtrialError: for smaller images, shapes that differ or values that are not finite.
    """
    first, second = _checked(first, second, "SSIM")
    scales_of(first.shape[1:])
    return float(np.mean([_similarity_and_contrast(x, y)[0] for x, y in _channels(first, second)]))


def ms_ssim(first: np.ndarray, second: np.ndarray) -> float:
    r"""Multi-scale structural similarity.

    .. math:: s_M^{w_M} \prod_{j=1}^{M-1} c_j^{w_j}

    where the images are halved from one scale to the next, c is the mean of SSIM's second factor (contrast and
    structure) and s that of SSIM itself, at the coarsest scale (Wang, Simoncelli & Bovik 2003, "Multiscale structural
    similarity", eq. 7). Means below 0 count as 0. The mean over channels is taken last.

    Five scales need 176 voxels along each axis. Smaller images have fewer (`scales_of` says how many): the first of the
    five weights, scaled to sum 1. So values of images of different size are not comparable.

    Args:
        first, second: images `(C, *spatial)` in [-1, 1], 2D or 3D, at least 11 voxels along each axis.

    Returns:
        A value in [0, 1]; 1 for equal images.

    Raises:
        SynthtrialError: for smaller images, shapes that differ or values that are not finite.
    """
    first, second = _checked(first, second, "MS-SSIM")
    scales = scales_of(first.shape[1:])
    return float(np.mean([_multi_scale(x, y, scales) for x, y in _channels(first, second)]))


def scales_of(shape: Sequence[int]) -> int:
    """Scales that `ms_ssim` uses for images of this spatial shape: at most 5; at the coarsest the window still fits.

    The shortest axis decides: 11 voxels make one scale, 22 two, 44 three, 88 four, 176 five.

    Raises:
        SynthtrialError: for fewer than 11 voxels along an axis.
    """
    window = 2 * RADIUS + 1
    if min(shape) < window:
        raise SynthtrialError(
            f"SSIM and MS-SSIM look through a window of {window} voxels: images of shape {tuple(shape)} are too small"
        )
    return min(int(min(shape) // window).bit_length(), len(SCALE_WEIGHTS))


def _multi_scale(first: np.ndarray, second: np.ndarray, scales: int) -> float:
    weights = np.array(SCALE_WEIGHTS[:scales]) / sum(SCALE_WEIGHTS[:scales])
    value = 1.0
    for scale in range(scales):
        similarity, contrast = _similarity_and_contrast(first, second)
        factor = similarity if scale == scales - 1 else contrast
        value *= max(factor, 0.0) ** weights[scale]
        first, second = _halved(first), _halved(second)
    return value


def _similarity_and_contrast(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Means of SSIM and of its second factor, over all places where the window fits, of images `(*spatial)`."""
    c1, c2 = 0.01**2, 0.03**2
    mean_1, mean_2 = _windowed(first), _windowed(second)
    covariance = _windowed(first * second) - mean_1 * mean_2
    variances = _windowed(first**2 + second**2) - mean_1**2 - mean_2**2
    contrast = (2 * covariance + c2) / (variances + c2)
    luminance = (2 * mean_1 * mean_2 + c1) / (mean_1**2 + mean_2**2 + c1)
    return float((luminance * contrast).mean()), float(contrast.mean())


def _windowed(image: np.ndarray) -> np.ndarray:
    """Mean under the window at each place where it fits."""
    fits = tuple(slice(RADIUS, length - RADIUS) for length in image.shape)
    return ndimage.gaussian_filter(image, SIGMA, radius=RADIUS)[fits]


def _halved(image: np.ndarray) -> np.ndarray:
    """Mean of blocks of two voxels along each axis; the last of an odd number is left out."""
    for axis in range(image.ndim):
        pairs = np.moveaxis(image, axis, 0)[: image.shape[axis] // 2 * 2]
        image = np.moveaxis((pairs[::2] + pairs[1::2]) / 2, 0, axis)
    return image


def _channels(first: np.ndarray, second: np.ndarray) -> zip[tuple[np.ndarray, np.ndarray]]:
    """The channels of both images, mapped from [-1, 1] to [0, 1]."""
    return zip((first + 1) / 2, (second + 1) / 2, strict=True)


def _checked(first: np.ndarray, second: np.ndarray, metric: str) -> tuple[np.ndarray, np.ndarray]:
    if first.shape != second.shape or first.ndim not in (3, 4):
        raise SynthtrialError(
            f"{metric} compares two images of one shape (C, *spatial), 2D or 3D, not {first.shape} and {second.shape}"
        )
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise SynthtrialError(f"{metric} can't be had of an image with NaN or infinite values")
    return first, second
