"""All scores of one predicted case."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthtrial.segmentation.metrics.cropping import bounding_box
from synthtrial.segmentation.metrics.lesions import count_lesions
from synthtrial.segmentation.metrics.names import METRICS
from synthtrial.segmentation.metrics.overlap import dice_per_label, volume_error, voxel_counts, voxel_volume, with_mean
from synthtrial.segmentation.metrics.surfaces import diagonal_mm, hd95, measure_surfaces, nsd

TOLERANCE_MM = 2.0
"""How far a predicted surface may be off and still count as right in the NSD."""

SUMS = (
    "predicted_ml",
    "reference_ml",
    "overlap_ml",
    "lesions",
    "lesions_found",
    "lesions_predicted",
    "lesions_confirmed",
)
"""What figures over all cases are made of, per label: volumes (ml; cm2 in 2D), and the counts of `LesionCounts`."""


def score_case(
    prediction: np.ndarray,
    reference: np.ndarray,
    labels: Sequence[str],
    spacing_mm: Sequence[float],
    tolerance_mm: float = TOLERANCE_MM,
) -> dict[str, float]:
    """Score one predicted label map against the reference, on the reference's grid.

    No score is undefined, as the comparison of arms is paired by case. One rule holds for a label that a map lacks:
    where both lack it, all scores are the best (Dice, NSD, sensitivity and precision 1, HD95 and volume error 0); where
    one of them does, all are the worst (0; HD95 the image's diagonal; volume error 1, which a volume predicted too
    large may exceed). So an arm gains nothing by silence, nor by lesions claimed in healthy cases.

    Args:
        prediction: label map `(*S)`, 2D or 3D; value `k + 1` for `labels[k]`.
        reference: the same, on the same grid.
        labels: names of the labels.
        spacing_mm: size of a voxel per axis, mm.
        tolerance_mm: how far surfaces may be apart and still agree in the NSD, mm.

    Returns:
        The columns of `cases.csv`: `<metric>`, the mean over the labels, and `<metric>/<label>` for each of `METRICS`;
        and `<sum>/<label>` for each of `SUMS`.

    Raises:
        ValueError: when the maps have different shapes, or the spacing another number of axes.
    """
    if len(spacing_mm) != reference.ndim:
        raise ValueError(f"spacing_mm has {len(spacing_mm)} numbers for a map of {reference.ndim} axes")
    dice = dice_per_label(prediction, reference, list(labels))
    volumes = np.array(voxel_counts(prediction, reference, len(labels))) * voxel_volume(spacing_mm)
    farthest_mm = diagonal_mm(reference.shape, spacing_mm)
    box = bounding_box(prediction, reference)
    scores: dict[str, dict[str, float]] = {}
    sums: dict[str, float] = {}
    for value, (label, of_label) in enumerate(zip(labels, volumes.T.tolist(), strict=True), start=1):
        predicted, drawn = prediction[box] == value, reference[box] == value
        lesions = count_lesions(predicted, drawn)
        hausdorff_mm, surface_dice = _surface_scores(predicted, drawn, spacing_mm, tolerance_mm, farthest_mm)
        scores[label] = {
            "dice": dice[label],
            "hd95_mm": hausdorff_mm,
            "nsd": surface_dice,
            "volume_error": volume_error(*of_label[:2]),
            "lesion_sensitivity": lesions.sensitivity,
            "lesion_precision": lesions.precision,
        }
        sums |= {f"{name}/{label}": amount for name, amount in zip(SUMS, (*of_label, *lesions), strict=True)}
    columns: dict[str, float] = {}
    for metric in METRICS:
        columns |= with_mean({label: scores[label][metric] for label in labels}, metric)
    return columns | sums


def _surface_scores(
    predicted: np.ndarray,
    drawn: np.ndarray,
    spacing_mm: Sequence[float],
    tolerance_mm: float,
    farthest_mm: float,
) -> tuple[float, float]:
    """HD95 in mm and NSD of two masks, either of which may be empty."""
    if predicted.any() and drawn.any():
        surfaces = measure_surfaces(predicted, drawn, spacing_mm)
        return hd95(surfaces), nsd(surfaces, tolerance_mm)
    return (farthest_mm, 0.0) if predicted.any() or drawn.any() else (0.0, 1.0)
