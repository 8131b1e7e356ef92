"""The usual tests over patients, which take the luck of one training for an effect: told for comparison only."""

from __future__ import annotations

import numpy as np


def wilcoxon_over_patients(differences: np.ndarray) -> float:
    """The signed-rank test's p; 1 when there is no difference at all.

    Args:
        differences: arm minus reference `(patients,)`.
    """
    from scipy.stats import wilcoxon

    return float(wilcoxon(differences).pvalue) if np.any(differences) else 1.0


def paired_t(differences: np.ndarray) -> float | None:
    """Student's t's p; 1 when there is no difference at all, None where all differences are alike or it is one.

    Args:
        differences: arm minus reference `(patients,)`.
    """
    from scipy.stats import ttest_1samp

    if np.allclose(differences, 0):
        return 1.0
    return float(ttest_1samp(differences, 0).pvalue) if np.ptp(differences) > 0 else None
