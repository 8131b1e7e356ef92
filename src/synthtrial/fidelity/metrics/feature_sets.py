"""What every metric of two feature sets asks of them."""

from __future__ import annotations

import numpy as np

from synthtrial.errors import SynthtrialError


def checked_features(
    real: np.ndarray, synthetic: np.ndarray, metric: str, least_real: int = 1, least_synthetic: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Both feature sets as float64, or one message that says why they can't be compared.

    Args:
        real: features `(n, d)`.
        synthetic: features `(m, d)`.
        metric: its name, for the message.
        least_real: fewest real cases for which the metric is defined.
        least_synthetic: fewest synthetic ones.

    Returns:
        Float64 features `(n, d)` and `(m, d)`.

    Raises:
        SynthtrialError: for other shapes, too few cases, or values that are not finite.
    """
    real, synthetic = np.asarray(real, np.float64), np.asarray(synthetic, np.float64)
    if real.ndim != 2 or synthetic.ndim != 2 or real.shape[1] != synthetic.shape[1] or real.shape[1] == 0:
        raise SynthtrialError(
            f"{metric}: features of shapes {real.shape} and {synthetic.shape} can't be compared: "
            "expected (n, d) and (m, d) with one d, from one extractor"
        )
    if len(real) < least_real or len(synthetic) < least_synthetic:
        raise SynthtrialError(
            f"{metric} of {len(real)} and {len(synthetic)} cases is not defined: "
            f"it needs at least {least_real} of the first (real) and {least_synthetic} of the second (synthetic) set"
        )
    for name, features in (("first (real)", real), ("second (synthetic)", synthetic)):
        if not np.isfinite(features).all():
            row = int(np.flatnonzero(~np.isfinite(features).all(axis=1))[0])
            raise SynthtrialError(
                f"{metric}: the {name} set has NaN or infinite features, first in row {row}: look at that image"
            )
    return real, synthetic
