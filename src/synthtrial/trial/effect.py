"""What a test says of an arm: the mean difference to the reference, its interval, and a p-value that agrees with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Effect:
    """The result of a test, whichever it is.

    Attributes:
        difference: arm minus reference, mean.
        ci_low: lower end of the interval for it.
        ci_high: upper end.
        p: two-sided p-value of no difference; below alpha just when the interval leaves out zero.
        standard_error: of the difference.
        df: degrees of freedom of the standard error; None for a bootstrap, which needs none.
    """

    difference: float
    ci_low: float
    ci_high: float
    p: float
    standard_error: float
    df: float | None


def t_effect(difference: float, standard_error: float, df: float, alpha: float) -> Effect:
    """Interval and p-value from the same t distribution."""
    from scipy.stats import t

    margin = float(t.ppf(1 - alpha / 2, df)) * standard_error
    return Effect(
        difference=difference,
        ci_low=difference - margin,
        ci_high=difference + margin,
        p=float(2 * t.sf(abs(difference) / standard_error, df)) if standard_error else float(np.isclose(difference, 0)),
        standard_error=standard_error,
        df=df,
    )
