"""The kernel distance of two sets of features (KID)."""

from __future__ import annotations

import numpy as np

from synthtrial.fidelity.metrics.feature_sets import checked_features
from synthtrial.fidelity.metrics.mmd import jackknife_standard_error, kernel_sums, unbiased_squared_mmd


def kernel_distance(real: np.ndarray, synthetic: np.ndarray) -> float:
    r"""Unbiased squared MMD with a cubic polynomial kernel.

    .. math:: k(x, y) = (x^T y / d + 1)^3

    (Binkowski et al. 2018, "Demystifying MMD GANs", section 4, as the KID.) It compares the first three moments of the
    features. Unlike the Frechet distance it is unbiased: with few cases it is uncertain, but not too large on average,
    so values at different numbers of cases may be compared. It is 0 on average for equal distributions, and negative
    about half of the time then: a negative value is a good one, not a mistake.

    All cases are used at once. The usual mean over random subsets estimates the same, less precisely.

    Features that never change, or sets without any variance, are no problem: the distance then compares their places.

    Args:
        real: features `(n, d)`, n at least 2.
        synthetic: features `(m, d)`, m at least 2.

    Returns:
        The squared distance, in no natural unit; depends on the scale of the features. May be negative.

    Raises:
        SynthtrialError: for fewer cases, shapes that differ, or values that are not finite.
    """
    real, synthetic = checked_features(real, synthetic, "kernel distance", 2, 2)
    return unbiased_squared_mmd(kernel_sums(real, synthetic, cubic_kernel))


def kernel_distance_with_error(real: np.ndarray, synthetic: np.ndarray) -> tuple[float, float]:
    """The kernel distance and its standard error over the draw of both sets; see `jackknife_standard_error`.

    Args:
        real: features `(n, d)`, n at least 3.
        synthetic: features `(m, d)`, m at least 3.

    Returns:
        The distance, as `kernel_distance` gives it, and its standard error, in the same unit.

    Raises:
        SynthtrialError: for fewer cases, shapes that differ, or values that are not finite.
    """
    real, synthetic = checked_features(real, synthetic, "standard error of the kernel distance", 3, 3)
    sums = kernel_sums(real, synthetic, cubic_kernel)
    return unbiased_squared_mmd(sums), jackknife_standard_error(sums)


def cubic_kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Kernel values `(n, m)` of features `(n, d)` and `(m, d)`."""
    base = first @ second.T / first.shape[1] + 1
    return base * base * base
