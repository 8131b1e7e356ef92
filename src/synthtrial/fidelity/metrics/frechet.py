"""The Frechet distance of two sets of features."""

from __future__ import annotations

import numpy as np

from synthtrial.fidelity.metrics.feature_sets import checked_features


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    r"""Squared Frechet distance of the Gaussians fitted to two feature sets.

    .. math:: |m_1 - m_2|^2 + \operatorname{tr}(S_1) + \operatorname{tr}(S_2) - 2 \operatorname{tr}((S_1 S_2)^{1/2})

    with means m and covariances S (Dowson & Landau 1982, eq. 16; Heusel et al. 2017, eq. 6, as the FID).

    The last trace needs no matrix root. Write each covariance as :math:`S = F^T F` with any factor F. The non-zero
    eigenvalues of :math:`S_1 S_2` are those of the symmetric product :math:`S_1^{1/2} S_2 S_1^{1/2}`, and are the
    squared singular values of :math:`F_1 F_2^T`; so the trace of the root is the plain sum of these, the nuclear norm.
    Taking them without squaring first keeps full precision where covariances are singular, the case in which `sqrtm`
    fails. (Eigenvalues of the squared product come three times faster, but with half of the digits: equal sets are then
    not at 0. `benchmarks/frechet.py` shows it.) Equal sets, in any order, are apart by at most 1e-12 of their variance;
    and which set comes first makes no difference, but for rounding.

    A feature that never changes adds nothing but the squared difference of its means, nor does a set without variance.

    The fit is an estimate: with n cases a covariance has rank n - 1 at most, and the distance is biased upwards, the
    more the fewer cases there are for d features. So only compare distances at the same n, and against a
    real-against-real floor at that n.

    Args:
        first: features `(n1, d)`.
        second: features `(n2, d)`.

    Returns:
        The squared distance, at least 0; in squared units of the features. Computed in float64.

    Raises:
        SynthtrialError: for fewer than two cases, a different number of features, or values that are not finite.
    """
    first, second = checked_features(first, second, "Frechet distance", 2, 2)
    factor_1, factor_2 = covariance_factor(first), covariance_factor(second)
    trace_of_root = np.linalg.svdvals(factor_1 @ factor_2.T).sum()
    traces = (factor_1**2).sum() + (factor_2**2).sum()
    means = ((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum()
    return max(float(means + traces - 2 * trace_of_root), 0.0)


def covariance_factor(features: np.ndarray) -> np.ndarray:
    """A factor F `(min(n, d), d)` of the sample covariance `(d, d)` of features `(n, d)`: the covariance is `F.T @ F`.

    Below n = d it is the centred features themselves, so that cost grows with n^2 d and no d x d matrix is ever made;
    above, the triangle of their QR decomposition.
    """
    n, d = features.shape
    centred = (features - features.mean(axis=0)) / np.sqrt(n - 1)
    return centred if n <= d else np.asarray(np.linalg.qr(centred, mode="r"))
