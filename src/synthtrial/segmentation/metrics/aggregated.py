"""Figures over all cases of an arm at once, in which a large lesion weighs more than a small one."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd


def aggregated_dice(cases: pd.DataFrame, label: str) -> float:
    """Dice of all cases together, 2 sum |A and B| / sum (|A| + |B|); 1 when no map has the label.

    Args:
        cases: rows of `cases.csv` with `overlap_ml/<label>`, `predicted_ml/<label>` and `reference_ml/<label>`.
        label: the label.
    """
    overlap, predicted, drawn = (cases[f"{name}_ml/{label}"].sum() for name in ("overlap", "predicted", "reference"))
    return float(2 * overlap / (predicted + drawn)) if predicted + drawn else 1.0


def total_lesions(cases: pd.DataFrame, labels: Sequence[str]) -> dict[str, int]:
    """Lesions of all cases together, over the given labels: how many are there, are found, and are false.

    Args:
        cases: rows of `cases.csv`.
        labels: the labels to count.

    Returns:
        `lesions`, `found` and `false`; a predicted lesion is false unless the reference covers a tenth of it.
    """
    count = {
        name: int(sum(cases[f"{name}/{label}"].sum() for label in labels))
        for name in ("lesions", "lesions_found", "lesions_predicted", "lesions_confirmed")
    }
    false = count["lesions_predicted"] - count["lesions_confirmed"]
    return {"lesions": count["lesions"], "found": count["lesions_found"], "false": false}


def cases_with_one_empty(cases: pd.DataFrame, labels: Sequence[str]) -> int:
    """Number of cases in which a label is in the prediction or the reference alone, which sets HD95 to the diagonal."""
    lonely = pd.Series(False, index=cases.index)
    for label in labels:
        lonely |= (cases[f"predicted_ml/{label}"] > 0) != (cases[f"reference_ml/{label}"] > 0)
    return int(lonely.sum())
