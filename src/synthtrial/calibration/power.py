"""Which effects this trial can see: its power, from the trials of an arm that has none."""

from __future__ import annotations

import numpy as np
import pandas as pd

EFFECTS = np.linspace(0, 0.2, 81)
"""Effects that power is computed for, on the metric's scale."""


def power_curve(rows: pd.DataFrame, alpha: float, effects: np.ndarray = EFFECTS) -> pd.DataFrame:
    """In how many trials an effect would have been found, had the arm had it in every patient and training alike.

    The effect is added to the difference that the trial measured between two arms that are the same, and the crossed
    test is done again with the trial's own standard error and degrees of freedom.

    Args:
        rows: the crossed test's rows of an arm that does not differ from the reference: `difference, standard_error,
            df`.
        alpha: of one test; with Holm's correction over m arms, alpha / m is what the smallest p must stay below.
        effects: `(n,)`.

    Returns:
        `effect, power`, one row per effect.
    """
    from scipy.stats import t

    difference, error, df = (rows[name].to_numpy(float) for name in ("difference", "standard_error", "df"))
    shifted = difference + effects[:, None]
    p = 2 * t.sf(np.abs(shifted) / error, df)
    return pd.DataFrame({"effect": effects, "power": ((p < alpha) & (shifted > 0)).mean(axis=1)})


def smallest_found(curve: pd.DataFrame, power: float) -> float | None:
    """The smallest effect from which on the power is reached; None where no effect of the curve reaches it."""
    short = np.flatnonzero(curve["power"].to_numpy() < power)
    first = short[-1] + 1 if len(short) else 0
    return float(curve["effect"].iloc[first]) if first < len(curve) else None
