"""Precision, recall, density and coverage: which cases lie among the nearest neighbours of the other set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from synthtrial.fidelity.metrics.feature_sets import checked_features

MEMORY_MIB = 64
"""Distances in memory at a time, MiB, whatever the number of cases."""


def precision(real: np.ndarray, synthetic: np.ndarray, *, k: int = 3) -> float:
    r"""Share of synthetic cases that look real: those inside the ball of at least one real case.

    .. math:: \frac{1}{m} \sum_j \max_i 1[|y_j - x_i| \le r_k(x_i)]

    where :math:`r_k(x_i)` is the distance from real case i to its k-th nearest other real case (Kynkaanniemi et al.
    2019, "Improved precision and recall metric", eq. 1 and 2, k = 3). One outlier among the real cases has a huge ball
    and lets much through: `density` does not suffer from that. Blind to missing modes, and to copies.

    All four metrics of this file compare by Euclidean distance, so a feature of large scale outweighs the others. In
    sets of a few dozen cases they move in large steps. A set without variance is allowed: its balls have no size, so
    hardly anything lies inside.

    Args:
        real: features `(n, d)`, n at least k + 1.
        synthetic: features `(m, d)`, m at least 1.
        k: which neighbour gives the radius.

    Returns:
        A share in [0, 1]; for equal distributions not 1, but what real against real gives.

    Raises:
        SynthtrialError: for fewer cases, shapes that differ, or values that are not finite.
    """
    real, synthetic = _centred(real, synthetic, "precision", k + 1, 1)
    return _share_inside(synthetic, of=real, k=k)


def recall(real: np.ndarray, synthetic: np.ndarray, *, k: int = 3) -> float:
    """Share of real cases that the synthetic ones reach: `precision` with the two sets exchanged.

    A lost mode lowers it. A synthetic outlier raises it without merit; `coverage` does not suffer from that.

    Args:
        real: features `(n, d)`, n at least 1.
        synthetic: features `(m, d)`, m at least k + 1.
        k: which neighbour gives the radius.

    Returns:
        A share in [0, 1].

    Raises:
        SynthtrialError: for fewer cases, shapes that differ, or values that are not finite.
    """
    real, synthetic = _centred(real, synthetic, "recall", 1, k + 1)
    return _share_inside(real, of=synthetic, k=k)


def density(real: np.ndarray, synthetic: np.ndarray, *, k: int = 5) -> float:
    r"""How densely real cases surround the synthetic ones: in how many of their balls each lies, over k.

    .. math:: \frac{1}{k m} \sum_j \sum_i 1[|y_j - x_i| \le r_k(x_i)]

    (Naeem et al. 2020, "Reliable fidelity and diversity metrics", section 3, k = 5.) Its expectation is 1 for equal
    distributions; it goes above 1 where synthetic cases crowd into the middle of the real ones, so higher is not
    always better.

    Args:
        real: features `(n, d)`, n at least k + 1.
        synthetic: features `(m, d)`, m at least 1.
        k: which neighbour gives the radius.

    Returns:
        A mean, at least 0.

    Raises:
        SynthtrialError: for fewer cases, shapes that differ, or values that are not finite.
    """
    real, synthetic = _centred(real, synthetic, "density", k + 1, 1)
    radii = neighbour_distances(real, k)
    return float(_by_rows(synthetic, real, lambda distances: (distances <= radii).sum(axis=1)).mean() / k)


def coverage(real: np.ndarray, synthetic: np.ndarray, *, k: int = 5) -> float:
    r"""Share of real cases that have a synthetic one in their ball.

    .. math:: \frac{1}{n} \sum_i \max_j 1[|y_j - x_i| \le r_k(x_i)]

    (Naeem et al. 2020, section 3, k = 5.) For equal distributions its expectation is not 1, but (ibid.)
    1 - (n - 1) ... (n - k) / ((m + n - 1) ... (m + n - k)), which for n = m is about 1 - 2^-k.

    Args:
        real: features `(n, d)`, n at least k + 1.
        synthetic: features `(m, d)`, m at least 1.
        k: which neighbour gives the radius.

    Returns:
        A share in [0, 1].

    Raises:
        SynthtrialError: for fewer cases, shapes that differ, or values that are not finite.
    """
    real, synthetic = _centred(real, synthetic, "coverage", k + 1, 1)
    nearest = _by_rows(real, synthetic, lambda distances: distances.min(axis=1))
    return float((nearest <= neighbour_distances(real, k)).mean())


def neighbour_distances(features: np.ndarray, k: int) -> np.ndarray:
    """Distance `(n,)` from each case of features `(n, d)` to its k-th nearest other case, with a hair's breadth more.

    With that a case at exactly this distance, such as a copy of that neighbour, lies inside however it is rounded.
    """
    # The copy lets go of the block of distances, which a view of its column would keep in memory.
    return _by_rows(features, features, lambda rows: np.partition(rows, k, axis=1)[:, k].copy()) * (1 + 1e-9)


def _share_inside(features: np.ndarray, of: np.ndarray, k: int) -> float:
    radii = neighbour_distances(of, k)
    return float(_by_rows(features, of, lambda distances: (distances <= radii).any(axis=1)).mean())


def _by_rows(first: np.ndarray, second: np.ndarray, reduce: Callable[[np.ndarray], Any]) -> np.ndarray:
    """Reduce the distances `(n, m)` of two sets, some rows at a time, to one number per row."""
    from sklearn.metrics import pairwise_distances_chunked

    blocks = pairwise_distances_chunked(
        first, second, reduce_func=lambda rows, _: reduce(rows), working_memory=MEMORY_MIB
    )
    return np.concatenate(list(blocks))


def _centred(
    real: np.ndarray, synthetic: np.ndarray, metric: str, least_real: int, least_synthetic: int
) -> tuple[np.ndarray, np.ndarray]:
    """Both sets about the real mean: distances are computed from squared norms, which an offset makes imprecise."""
    real, synthetic = checked_features(real, synthetic, metric, least_real, least_synthetic)
    centre = real.mean(axis=0)
    return real - centre, synthetic - centre
