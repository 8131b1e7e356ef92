"""All raters together: their mean AUC where cases and raters are both random, and how far they agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthtrial.fidelity.turing.telling import CONFIDENCE, auc, auc_interval, auc_variance, smallest_auc

RESAMPLES = 5000


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class PooledAuc:
    """The raters' mean AUC: its interval, p against 0.5, and the smallest mean AUC found in four of five such tests."""

    auc: Estimate
    p: float
    smallest: float


def pooled_auc(real: np.ndarray, synthetic: np.ndarray, rng: np.random.Generator) -> PooledAuc:
    """Mean AUC of two or more raters.

    Raters, real cases and synthetic cases are all drawn again with replacement, so that the interval speaks of other
    raters and other cases, too (the bootstrap of readers and cases of Beiden, Wagner and Campbell 2000, Acad Radiol
    7:341). With two or three raters it can say little of other raters.

    Args:
        real: scores `(raters, n)` of the real cases.
        synthetic: scores `(raters, m)` of the synthetic ones.
        rng: of the bootstrap.
    """
    (raters, n_real), n_synthetic = real.shape, synthetic.shape[1]
    # How often each rater and case was drawn, (resamples, count): drawing again is weighing.
    of_raters, of_real, of_synthetic = (
        rng.multinomial(count, np.full(count, 1 / count), RESAMPLES) for count in (raters, n_real, n_synthetic)
    )
    wins = np.zeros((RESAMPLES, raters))
    for j in range(raters):
        against = (synthetic[j][:, None] > real[j]) + 0.5 * (synthetic[j][:, None] == real[j])
        wins[:, j] = ((of_synthetic @ against) * of_real).sum(axis=1)
    values = (wins * of_raters).sum(axis=1) / (raters * n_real * n_synthetic)
    value = auc(real, synthetic)
    # Where all raters told all cases apart no resample differs; then one rater's variance has to do.
    factor = values.var() / auc_variance(value, n_real, n_synthetic) if values.var() > 0 else 1.0
    smallest = smallest_auc(n_real, n_synthetic, factor)
    return PooledAuc(_auc_estimate(value, values, n_real, n_synthetic), _p(values), smallest)


def _auc_estimate(value: float, values: np.ndarray, n_real: int, n_synthetic: int) -> Estimate:
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    if low == high:
        # All raters told all cases apart: no resample differs, but other cases might have.
        return Estimate(value, *auc_interval(value, n_real, n_synthetic))
    return Estimate(value, float(low), float(high))


def _p(values: np.ndarray) -> float:
    """Two-sided p of 0.5 from the bootstrap: twice the smaller share of resamples on one of its sides."""
    side = min(np.count_nonzero(values <= 0.5), np.count_nonzero(values >= 0.5))
    return min(1.0, 2 * (side + 1) / (len(values) + 1))


def krippendorff_alpha(scores: np.ndarray) -> float | None:
    """Krippendorff's alpha of scores `(raters, cases)` on an interval scale, none missing; None where all are equal.

    `alpha = 1 - D_o / D_e`: the mean squared difference of two raters on one case over that of any two scores
    (Krippendorff 2004, Content Analysis, 2nd ed., ch. 11). 1 is full agreement, 0 what chance gives, below 0 they
    contradict each other. Both are twice a variance, so alpha is one minus the mean variance within cases over that of
    all scores.
    """
    of_all = np.var(scores, ddof=1)
    return None if of_all == 0 else float(1 - np.mean(np.var(scores, axis=0, ddof=1)) / of_all)


def agreement(scores: np.ndarray, rng: np.random.Generator) -> Estimate | None:
    """Krippendorff's alpha with a bootstrap interval over cases; None where all scores are equal."""
    value = krippendorff_alpha(scores)
    if value is None:
        return None
    drawn = scores[:, rng.integers(scores.shape[1], size=(RESAMPLES, scores.shape[1]))]
    within, of_all = np.var(drawn, axis=0, ddof=1).mean(axis=-1), np.var(drawn, axis=(0, 2), ddof=1)
    alphas = 1 - within[of_all > 0] / of_all[of_all > 0]
    low, high = np.quantile(alphas, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(value, float(low), float(high))
