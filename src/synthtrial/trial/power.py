"""What a trial could have seen: the smallest effect it would have found, and what would halve it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

POWER = 0.8
"""Share of trials in which the smallest detectable effect is found."""

QUANTILES = 2000
"""Points at which the distribution of the standard error is taken; more change the fourth digit."""

MOST_REPEATS = 1000
"""More repeats per fold than this are as good as never."""


def smallest_detectable(standard_error: float, df: float, alpha: float) -> float:
    """The true effect that a t-test with this standard error finds in 80 % of trials.

    The standard error is the trial's own estimate, so this is of the trial as it was, not a promise for the next one.

    Args:
        standard_error: of the mean difference, in the metric's unit.
        df: its degrees of freedom.
        alpha: two-sided level. For one of m arms the verdict asks for alpha / m, Holm's first step: an effect of this
            size is found whatever the other arms show.
    """
    return standard_error * _noncentrality(round(df, 6), alpha)


@lru_cache(maxsize=4096)
def _noncentrality(df: float, alpha: float) -> float:
    """Effect over standard error at which |t| is beyond its critical value with probability `POWER`.

    The noncentral t is Z + effect over an independent root of chi square by df, which is averaged here over its
    quantiles: scipy's own distribution function gives NaN for large effects.
    """
    from scipy.optimize import brentq
    from scipy.special import chdtri, ndtr
    from scipy.stats import t

    quantiles = (np.arange(QUANTILES) + 0.5) / QUANTILES
    threshold = float(t.ppf(1 - alpha / 2, df)) * np.sqrt(chdtri(df, quantiles) / df)

    def missing(effect: float) -> float:
        return POWER - float((ndtr(effect - threshold) + ndtr(-effect - threshold)).mean())

    return float(brentq(missing, 0.0, threshold.max() + 10, xtol=1e-6))


def repeats_to_halve(
    error: Callable[[float], tuple[float, float]], repeats: int, alpha: float, most: int = MOST_REPEATS
) -> int | None:
    """The fewest repeats per fold at which the smallest detectable effect is half of what it is now.

    Args:
        error: standard error and degrees of freedom at a number of repeats, which may be infinite.
        repeats: the number now.
        alpha: of the test.
        most: the largest number worth saying.

    Returns:
        The number of repeats; None when even infinitely many would not, or when it takes more than `most`.
    """

    def reached(number: float) -> bool:
        return smallest_detectable(*error(number), alpha) <= goal

    goal = smallest_detectable(*error(repeats), alpha) / 2
    if goal == 0 or not reached(np.inf) or not reached(most):
        return None
    too_few, enough = repeats, most
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if reached(middle) else (middle, enough)
    return enough
