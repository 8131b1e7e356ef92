"""Can the nearest neighbour tell synthetic from real cases?"""

from __future__ import annotations

import numpy as np

from synthtrial.fidelity.metrics.feature_sets import checked_features


def two_sample_accuracy(real: np.ndarray, synthetic: np.ndarray) -> float:
    """How often the nearest neighbour of a case, itself left out, is of its kind: 0.5 is as good as real, 1 is apart.

    The 1-nearest-neighbour classifier two-sample test (Lopez-Paz & Oquab 2017, arXiv 1610.06545; for GANs Xu et al.
    2018, arXiv 1806.07755), on features standardised over all cases, which favours neither kind. It is the mean of the
    accuracies on real and on synthetic cases, so that 0.5 holds for different numbers of them as well; but with far
    more of one kind it sees little, so compare equal numbers. Well below 0.5 the nearest of a real case is its copy.

    Args:
        real: features `(n, d)`.
        synthetic: features `(m, d)`.

    Raises:
        SynthtrialError: for fewer than two cases of a kind, other shapes, or values that are not finite.
    """
    real, synthetic = checked_features(real, synthetic, "two-sample accuracy", least_real=2, least_synthetic=2)
    from sklearn.neighbors import NearestNeighbors

    together = np.concatenate([real, synthetic])
    spread = together.std(axis=0)
    scaled = (together - together.mean(axis=0)) / np.where(spread > 0, spread, 1)
    is_real = np.arange(len(together)) < len(real)
    nearest = NearestNeighbors(n_neighbors=1).fit(scaled).kneighbors(return_distance=False)[:, 0]
    right = is_real[nearest] == is_real
    return float((right[is_real].mean() + right[~is_real].mean()) / 2)
