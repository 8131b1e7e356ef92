"""Real images made worse by a known amount, for tests of what measures them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

Degradation = Callable[[np.ndarray, float], np.ndarray]


def blurred(images: np.ndarray, voxels: float) -> np.ndarray:
    """Images `(n, C, *spatial)` blurred by a Gaussian of that standard deviation."""
    return ndimage.gaussian_filter(images, (0, 0, *[voxels] * (images.ndim - 2))) if voxels else images


def noisy(images: np.ndarray, deviation: float) -> np.ndarray:
    """Images with white noise of that standard deviation; the same noise but for its size at every call."""
    return (images + deviation * np.random.default_rng(5).standard_normal(images.shape)).astype(np.float32)


def of_few_kinds(kinds: np.ndarray, share: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of `n` random cases of that share of the kinds `(cases,)`, which count from 0."""
    kept = np.flatnonzero(kinds < round(share * (kinds.max() + 1)))
    return rng.permutation(kept)[:n]
