"""Maximum mean discrepancy: the unbiased estimate for any kernel, its standard error, and the Gaussian kernel's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.metrics.feature_sets import checked_features

Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Kernel values `(n, m)` of features `(n, d)` and `(m, d)`."""

BLOCK_VALUES = 2**23
"""Kernel values in memory at a time: 64 MiB, whatever the number of cases."""

CASES_FOR_MEDIAN = 1000
"""The median distance is taken over at most so many cases: half a million pairs tell it well enough."""


@dataclass(frozen=True)
class KernelSums:
    """Sums of kernel values per case; all that the estimate and its standard error need.

    Attributes:
        real: `(n,)`, of each real case with the other real ones, without itself.
        synthetic: `(m,)`, of each synthetic case with the other synthetic ones, without itself.
        real_to_synthetic: `(n,)`, of each real case with all synthetic ones.
        synthetic_to_real: `(m,)`, of each synthetic case with all real ones.
    """

    real: np.ndarray
    synthetic: np.ndarray
    real_to_synthetic: np.ndarray
    synthetic_to_real: np.ndarray


def gaussian_mmd(real: np.ndarray, synthetic: np.ndarray) -> float:
    r"""Unbiased squared MMD with the Gaussian kernel.

    .. math:: k(x, y) = \exp(-|x - y|^2 / (2 \sigma^2))

    with :math:`\sigma` the median distance between real cases (Gretton et al. 2012, "A kernel two-sample test", JMLR
    13, section 8, take the median over both sets). Here the real cases alone set it, so that two generators are
    measured by the same kernel. With more than 1,000 real cases, evenly spaced 1,000 give the median.

    Unlike the polynomial kernel it sees any difference in distribution, given enough cases; but in many dimensions,
    where all distances are alike, it is a weak test. It lies in [-2 / (n - 1), 2] about, and is 0 on average for equal
    distributions.

    Args:
        real: features `(n, d)`, n at least 2.
        synthetic: features `(m, d)`, m at least 2.

    Returns:
        The squared discrepancy, without unit. May be negative.

    Raises:
        SynthtrialError: for fewer cases, shapes that differ, values that are not finite, or real cases of which more
            than half of the pairs are equal: they have no scale to measure by.
    """
    real, synthetic = checked_features(real, synthetic, "MMD", 2, 2)
    width = median_distance(real)
    if width == 0:
        raise SynthtrialError(
            f"MMD: most of the {len(real)} real cases have equal features, so their median distance, which sets the "
            "width of the kernel, is 0: are the images constant, or copies of each other?"
        )
    return unbiased_squared_mmd(kernel_sums(real, synthetic, lambda x, y: _gaussian(x, y, width)))


def unbiased_squared_mmd(sums: KernelSums) -> float:
    r"""The U-statistic of the squared MMD (Gretton et al. 2012, eq. 3).

    .. math:: \frac{1}{n(n-1)} \sum_{i \ne j} k(x_i, x_j) + \frac{1}{m(m-1)} \sum_{i \ne j} k(y_i, y_j)
        - \frac{2}{nm} \sum_{i, j} k(x_i, y_j)

    Its expectation is the true value, for any number of cases; so it is 0 on average for equal distributions, and
    negative about half of the time. A set against itself gives a negative value, not 0: each case meets its own copy.
    """
    n, m = len(sums.real), len(sums.synthetic)
    within = sums.real.sum() / (n * (n - 1)) + sums.synthetic.sum() / (m * (m - 1))
    return float(within - 2 * sums.real_to_synthetic.sum() / (n * m))


def jackknife_standard_error(sums: KernelSums) -> float:
    r"""Standard error of `unbiased_squared_mmd`, by leaving out each case in turn.

    .. math:: \frac{n-1}{n} \sum_i (\theta_{-i} - \bar\theta_-)^2 + \frac{m-1}{m} \sum_j (\theta_{-j} - \bar\theta_-)^2

    is its square, with one sum over real and one over synthetic cases (Arvesen 1969, "Jackknifing U-statistics"). On
    average it is never too small (Efron & Stein 1981, "The jackknife estimate of variance"); for equal distributions,
    where the U-statistic degenerates, about 1.4 times too large. It takes no subsets and no random numbers, and costs
    no further kernel values.
    """
    n, m = len(sums.real), len(sums.synthetic)
    real, synthetic = sums.real.sum(), sums.synthetic.sum()
    between = sums.real_to_synthetic.sum()
    without_real = (real - 2 * sums.real) / ((n - 1) * (n - 2)) - 2 * (between - sums.real_to_synthetic) / ((n - 1) * m)
    without_synthetic = (synthetic - 2 * sums.synthetic) / ((m - 1) * (m - 2)) - 2 * (
        between - sums.synthetic_to_real
    ) / (n * (m - 1))
    return float(np.sqrt((n - 1) * without_real.var() + (m - 1) * without_synthetic.var()))


def kernel_sums(real: np.ndarray, synthetic: np.ndarray, kernel: Kernel) -> KernelSums:
    """Sums of kernel values per case; blocks of rows bound the memory, time grows with (n + m)^2 d."""
    real_to_synthetic, synthetic_to_real = _sums(real, synthetic, kernel)
    return KernelSums(_sums_within(real, kernel), _sums_within(synthetic, kernel), real_to_synthetic, synthetic_to_real)


def median_distance(features: np.ndarray) -> float:
    """Median Euclidean distance between two cases of features `(n, d)`, over at most 1,000 evenly spaced cases."""
    from scipy.spatial.distance import squareform
    from sklearn.metrics import euclidean_distances

    chosen = features[np.linspace(0, len(features) - 1, min(len(features), CASES_FOR_MEDIAN)).round().astype(int)]
    return float(np.median(squareform(euclidean_distances(chosen - chosen.mean(axis=0)), checks=False)))


def _gaussian(first: np.ndarray, second: np.ndarray, width: float) -> np.ndarray:
    from sklearn.metrics import euclidean_distances

    centre = second.mean(axis=0)
    return np.exp(euclidean_distances(first - centre, second - centre, squared=True) / (-2 * width**2))


def _blocks(rows: int, columns: int) -> list[slice]:
    step = max(1, BLOCK_VALUES // columns)
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]


def _sums(first: np.ndarray, second: np.ndarray, kernel: Kernel) -> tuple[np.ndarray, np.ndarray]:
    """Sums `(n,)` over the second set and `(m,)` over the first."""
    of_first, of_second = np.empty(len(first)), np.zeros(len(second))
    for block in _blocks(len(first), len(second)):
        values = kernel(first[block], second)
        of_first[block] = values.sum(axis=1)
        of_second += values.sum(axis=0)
    return of_first, of_second


def _sums_within(features: np.ndarray, kernel: Kernel) -> np.ndarray:
    """Sums `(n,)` of each case with all others."""
    sums = np.empty(len(features))
    for block in _blocks(len(features), len(features)):
        values = kernel(features[block], features)
        rows = np.arange(len(values))
        values[rows, block.start + rows] = 0
        sums[block] = values.sum(axis=1)
    return sums
