"""Overlap of a predicted and a reference label map."""

from __future__ import annotations

import numpy as np


def dice_per_label(prediction: np.ndarray, reference: np.ndarray, labels: list[str]) -> dict[str, float]:
    """Dice coefficient of each label, 2 |A and B| / (|A| + |B|).

    A label that neither map has scores 1, and a label that only one of them has scores 0 (MONAI's `DiceMetric` with
    `ignore_empty=False`). So a false lesion in a healthy case costs what it should, and every case has a score, which
    the paired comparison of arms needs.

    Args:
        prediction: label map `(*S)`; value `k + 1` for `labels[k]`.
        reference: the same, on the same grid.
        labels: names of the labels.

    Returns:
        Label to Dice in [0, 1], in the order of `labels`.

    Raises:
        ValueError: when the maps have different shapes.
    """
    if prediction.shape != reference.shape:
        raise ValueError(f"prediction {prediction.shape} and reference {reference.shape} are on different grids")
    n_values = len(labels) + 1
    predicted = np.bincount(prediction.ravel(), minlength=n_values)
    drawn = np.bincount(reference.ravel(), minlength=n_values)
    common = np.bincount(prediction[prediction == reference].ravel(), minlength=n_values)
    total = predicted + drawn
    dice = np.where(total > 0, 2 * common / np.maximum(total, 1), 1.0)
    return {label: float(dice[value]) for value, label in enumerate(labels, start=1)}


def with_mean(dice: dict[str, float]) -> dict[str, float]:
    """Columns `dice`, the mean over the labels, and `dice/<label>` for each."""
    return {"dice": float(np.mean(list(dice.values())))} | {f"dice/{label}": value for label, value in dice.items()}
