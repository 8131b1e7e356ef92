"""Do synthetic lesions differ from real ones? Two-sample tests of each property."""

from __future__ import annotations

import numpy as np
import pandas as pd

from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.lesions import KEYS
from synthtrial.holm import holm

LEAST = 5
"""Cases of each kind that a test needs: with fewer, no difference whatsoever is significant."""

ALPHA = 0.05


def compare_lesions(real: pd.DataFrame, synthetic: pd.DataFrame) -> pd.DataFrame:
    """Test each property of each label, real against synthetic.

    The Kolmogorov-Smirnov test sees any difference between two distributions: location, spread or shape. Its p-values
    are corrected for the number of rows after Holm, so that the chance of calling any property `differs`, when all are
    alike, is at most 5 %. The area under the curve (AUC) tells which way: it is the probability that a synthetic value
    is larger than a real one, ties counting half (Mann & Whitney 1947).

    `alike` means that no difference was shown, not that there is none: few cases show only large ones. The interval of
    the AUC tells how large a shift might have been missed. With many cases `differs` may be a difference that does not
    matter: look at the medians.

    The tests take rows as independent. One row per case, however many lesions it has, keeps them so, unless patients
    have several cases; p-values are then too small.

    Args:
        real: `lesion_table` of the real cases.
        synthetic: the same of the synthetic ones.

    Returns:
        One row per label and property: `label, property, n_real, n_synthetic` (cases that have a value: all but for
        volume and count only those with a lesion), `median_real, median_synthetic, ks` (largest gap between the two
        cumulative distributions, 0 to 1), `p, p_adjusted, auc, auc_low, auc_high` (95 %), and `verdict`: `differs`,
        `alike`, or `too few` for under five values of either kind, with NaN for what was not computed.

    Raises:
        SynthtrialError: for tables of different labels, properties or units.
    """
    _check(real, synthetic)
    rows = []
    several = any((table["count"] > 1).any() for table in (real, synthetic))
    names = [name for name in real if name not in KEYS and (several or not name.startswith("largest"))]
    for label in real["label"].unique():
        for name in names:
            values = [table.loc[table["label"] == label, name].dropna().to_numpy(float) for table in (real, synthetic)]
            rows.append({"label": label, "property": name, **_compare(*values)})
    table = pd.DataFrame(rows)
    tested = table["p"].notna()
    table.insert(table.columns.get_loc("p") + 1, "p_adjusted", np.nan)
    table.loc[tested, "p_adjusted"] = holm(table.loc[tested, "p"].tolist())
    table["verdict"] = np.where(table["p_adjusted"] < ALPHA, "differs", "alike")
    table.loc[~tested, "verdict"] = "too few"
    return table


def _compare(real: np.ndarray, synthetic: np.ndarray) -> dict[str, float]:
    from scipy.stats import ks_2samp

    row: dict[str, float] = {
        "n_real": len(real),
        "n_synthetic": len(synthetic),
        "median_real": float(np.median(real)) if len(real) else np.nan,
        "median_synthetic": float(np.median(synthetic)) if len(synthetic) else np.nan,
        **dict.fromkeys(("ks", "p", "auc", "auc_low", "auc_high"), np.nan),
    }
    if min(len(real), len(synthetic)) >= LEAST:
        test = ks_2samp(real, synthetic)
        auc, low, high = larger_share(real, synthetic)
        row.update(ks=float(test.statistic), p=float(test.pvalue), auc=auc, auc_low=low, auc_high=high)
    return row


def larger_share(real: np.ndarray, synthetic: np.ndarray) -> tuple[float, float, float]:
    r"""Probability that a synthetic value is larger than a real one, with its 95 % interval.

    The interval holds every :math:`\theta` that lies within 1.96 of its own standard errors of the estimate, with

    .. math:: V(\theta) = \frac{\theta (1 - \theta)}{m n}
        \Big[1 + N \frac{1 - \theta}{2 - \theta} + N \frac{\theta}{1 + \theta}\Big]

    and :math:`N = (m + n) / 2 - 1` (Newcombe 2006, Stat Med 25:559, method 5). It stays within [0, 1] and has a width
    even where the two sets don't overlap, for which most other intervals shrink to a point.
    """
    from scipy.optimize import brentq
    from scipy.stats import rankdata

    m, n = len(real), len(synthetic)
    ranks = rankdata(np.concatenate([real, synthetic]))
    auc = float((ranks[m:].sum() - n * (n + 1) / 2) / (m * n))

    def gap(theta: float) -> float:
        spread = 1 + ((m + n) / 2 - 1) * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return (theta - auc) ** 2 - 1.959964**2 * theta * (1 - theta) * spread / (m * n)

    # At the estimate itself the gap is negative, at 0 and at 1 positive, but for an estimate of 0 or 1.
    low = brentq(gap, 0, auc) if 0 < auc < 1 else 0.0 if auc == 0 else brentq(gap, 0, 1 - 1e-9)
    high = brentq(gap, auc, 1) if 0 < auc < 1 else 1.0 if auc == 1 else brentq(gap, 1e-9, 1)
    return auc, float(low), float(high)


def _check(real: pd.DataFrame, synthetic: pd.DataFrame) -> None:
    if list(real) != list(synthetic) or set(real["label"]) != set(synthetic["label"]):
        raise SynthtrialError(
            f"lesion tables of labels {[*real['label'].unique()]} and {[*synthetic['label'].unique()]} with columns "
            f"{list(real)} and {list(synthetic)} can't be compared: both must have the same"
        )
    units = {*real["contrast_unit"], *synthetic["contrast_unit"]}
    if len(units) > 1:
        raise SynthtrialError(
            f"contrasts in {' and '.join(sorted(units))} can't be compared: make both tables with lesion_tables"
        )
