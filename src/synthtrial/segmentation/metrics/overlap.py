"""Overlap of a predicted and a reference label map, and the volumes that it comes from."""

from __future__ import annotations

from collections.abc import Sequence

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
    predicted, drawn, common = voxel_counts(prediction, reference, len(labels))
    total = predicted + drawn
    dice = np.where(total > 0, 2 * common / np.maximum(total, 1), 1.0)
    return dict(zip(labels, map(float, dice), strict=True))


def with_mean(scores: dict[str, float], metric: str = "dice") -> dict[str, float]:
    """Columns `<metric>`, the mean over the labels, and `<metric>/<label>` for each."""
    mean = float(np.mean(list(scores.values())))
    return {metric: mean} | {f"{metric}/{label}": value for label, value in scores.items()}


def voxel_counts(
    prediction: np.ndarray, reference: np.ndarray, n_labels: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Voxels of each label `(n_labels,)` in the prediction, in the reference, and in both at once.

    Raises:
        ValueError: when the maps have different shapes.
    """
    if prediction.shape != reference.shape:
        raise ValueError(f"prediction {prediction.shape} and reference {reference.shape} are on different grids")
    maps = prediction.ravel(), reference.ravel(), prediction[prediction == reference].ravel()
    predicted, drawn, common = (np.bincount(voxels, minlength=n_labels + 1)[1 : n_labels + 1] for voxels in maps)
    return predicted, drawn, common


def volume_error(predicted: float, drawn: float) -> float:
    """Relative error of a volume, |predicted - drawn| / drawn, without its sign.

    Where nothing was drawn there is nothing to relate to: 0 when nothing was predicted either, else 1, as much as for
    a lesion that was missed.
    """
    if drawn == 0:
        return float(predicted > 0)
    return float(abs(predicted - drawn) / drawn)


def voxel_volume(spacing_mm: Sequence[float]) -> float:
    """Volume of a voxel in ml; in 2D the area of a pixel in cm2, as `lesion_ml` of the cohort."""
    return float(np.prod(spacing_mm)) / (1000 if len(spacing_mm) == 3 else 100)
