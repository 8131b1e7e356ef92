"""How well scores tell synthetic from real cases: area under the ROC curve (AUC), its interval and its test.

AUC is the chance that a synthetic case scores higher than a real one, ties counted half: 0.5 is guessing, 1 is telling
all apart, and below 0.5 synthetic cases look more real than real ones.
"""

from __future__ import annotations

import numpy as np

CONFIDENCE = 0.95
POWER = 0.8


def auc(real: np.ndarray, synthetic: np.ndarray) -> float:
    """AUC of scores `(..., n)` of real and `(..., m)` of synthetic cases, averaged over the leading axes (raters).

    `P(s > r) + P(s = r) / 2` over all pairs: the Mann-Whitney statistic over its maximum
    (Bamber 1975, J Math Psychol 12:387).
    """
    r, s = np.asarray(real)[..., None, :], np.asarray(synthetic)[..., :, None]
    return float(np.mean((s > r) + 0.5 * (s == r)))


def auc_variance(value: float, n_real: int, n_synthetic: int) -> float:
    """Variance of an AUC whose true value is `value` (Newcombe 2006, Stat Med 25:559, method 5).

    `V(t) = t (1 - t) (1 + N (1 - t) / (2 - t) + N t / (1 + t)) / (n m)` with `N = (n + m) / 2 - 1`: Hanley and McNeil's
    formula (1982, Radiology 143:29), made symmetric in real and synthetic.
    """
    mean_others = (n_real + n_synthetic) / 2 - 1
    spread = 1 + mean_others * ((1 - value) / (2 - value) + value / (1 + value))
    return value * (1 - value) * spread / (n_real * n_synthetic)


def auc_interval(value: float, n_real: int, n_synthetic: int) -> tuple[float, float]:
    """95 % interval of one rater's AUC: all `t` with `|value - t| <= z sqrt(V(t))` (Newcombe, method 5).

    DeLong's interval is the common one, but with few cases it is too short, and it has no length where all are told
    apart.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    z = norm.ppf((1 + CONFIDENCE) / 2)

    def excess(t: float) -> float:
        return abs(value - t) - z * np.sqrt(auc_variance(t, n_real, n_synthetic))

    tiny = 1e-12
    low = brentq(excess, 0.0, value - tiny) if value > 0 else 0.0
    high = brentq(excess, value + tiny, 1.0) if value < 1 else 1.0
    return float(low), float(high)


def guessing_p(real: np.ndarray, synthetic: np.ndarray, rng: np.random.Generator) -> float:
    """Two-sided p of one rater's scores `(n,)` and `(m,)` under guessing, AUC 0.5: a permutation test of the kinds."""
    from scipy.stats import PermutationMethod, mannwhitneyu

    method = PermutationMethod(n_resamples=9999, rng=rng)
    return float(mannwhitneyu(synthetic, real, alternative="two-sided", method=method).pvalue)


def midpoint_accuracy(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Share of cases called right when scores above the rater's own median mean synthetic; scores on it are guesses.

    The mean of the shares among real and among synthetic cases, so that guessing gives 0.5 whatever their numbers.
    """
    middle = np.median(np.concatenate([real, synthetic]))
    return float(0.5 + (np.mean(np.sign(synthetic - middle)) - np.mean(np.sign(real - middle))) / 4)


def smallest_auc(n_real: int, n_synthetic: int, factor: float = 1.0) -> float:
    """The AUC that one rater must have for a test at 5 % to find it four times in five; 1 where none suffices.

    The `t` with `t - 0.5 = z_0.975 sqrt(V(0.5)) + z_0.8 sqrt(V(t))`. For a mean over raters, `factor` is its variance
    as a multiple of one rater's.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    def deviation(t: float) -> float:
        return float(np.sqrt(factor * auc_variance(t, n_real, n_synthetic)))

    under_guessing = norm.ppf((1 + CONFIDENCE) / 2) * deviation(0.5)

    def reserve(t: float) -> float:
        return t - 0.5 - under_guessing - norm.ppf(POWER) * deviation(t)

    return float(brentq(reserve, 0.5, 1.0)) if reserve(1.0) > 0 else 1.0


def mean_interval(scores: np.ndarray) -> tuple[float, float, float]:
    """Mean score of cases `(n,)`, and Student's 95 % interval over cases, kept within what can be scored, 0 to 10."""
    from scipy.stats import t

    mean = float(np.mean(scores))
    half = float(t.ppf((1 + CONFIDENCE) / 2, len(scores) - 1) * np.std(scores, ddof=1) / np.sqrt(len(scores)))
    return mean, max(mean - half, 0.0), min(mean + half, 10.0)
