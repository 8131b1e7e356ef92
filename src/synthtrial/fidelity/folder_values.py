"""One pass over the values of a folder's images and masks: what no header tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synthtrial.cohorts.checks import check_finite
from synthtrial.errors import CohortError

PERCENTILES = (0.5, 99.5)
SAMPLED_VOXELS, LEAST_PER_CASE = 4_000_000, 1000
"""Voxels that the percentiles are taken from, over all cases and at least per case: 16 MB."""

MOST_LABELS = 32
"""More values than that are no labels, but the grey edges that smoothing or lossy compression leave in a mask."""

NARROW = 0.05
"""An image that uses less than this part of the intensity window has another intensity scale than the rest."""


@dataclass(frozen=True)
class Intensities:
    """Percentiles 0.5 and 99.5 of stored values.

    Attributes:
        pooled: (low, high) of all images together, every image with as many voxels.
        of_case: `(n, 2)`, of each image, in order.
    """

    pooled: tuple[float, float]
    of_case: np.ndarray


def look_through(images: Iterable[tuple[Path, np.ndarray]], count: int) -> Intensities:
    """Check images `(C, *spatial)`, read one at a time, and find their percentiles from evenly spaced voxels.

    Args:
        images: all images of a folder, of one shape, each with its path.
        count: how many there are.

    Raises:
        CohortError: for an image that is constant, or holds NaN or infinity.
    """
    samples = np.empty((count, 0), np.float32)
    for row, (path, image) in enumerate(images):
        check_finite(image, path)
        if image.min() == image.max():
            raise CohortError(f"{path}: the image is constant: all values are {image.min():g}. Leave it out")
        if row == 0:
            per_case = min(image.size, max(LEAST_PER_CASE, SAMPLED_VOXELS // count))
            chosen = np.linspace(0, image.size - 1, per_case).astype(np.int64)
            samples = np.empty((count, per_case), np.float32)
        samples[row] = image.reshape(-1)[chosen]
    of_case = np.array([np.percentile(sample, PERCENTILES) for sample in samples])
    low, high = np.percentile(samples, PERCENTILES, overwrite_input=True)
    return Intensities((float(low), float(high)), of_case)


def values_of_masks(masks: Iterable[tuple[Path, np.ndarray]]) -> tuple[int, ...]:
    """The values beside 0 in all label maps `(*spatial)`, read one at a time.

    Raises:
        CohortError: for values that are negative or not whole, or more of them than labels can be.
    """
    found: set[int] = set()
    for path, mask in masks:
        check_finite(mask, path)
        values = np.unique(mask)
        wrong = values[(values < 0) | (values != np.round(values))]
        if len(wrong):
            raise CohortError(f"{path}: a mask holds whole numbers from 0, but this one holds {wrong[0]:g}")
        found |= {int(value) for value in values} - {0}
        if len(found) > MOST_LABELS:
            raise CohortError(
                f"{path}: with it the masks hold more than {MOST_LABELS} values beside 0: {', '.join(_first(found))}, "
                "... Label maps must be saved without smoothing, scaling or lossy compression"
            )
    return tuple(sorted(found))


def off_scale(intensities: Intensities, window: tuple[float, float]) -> np.ndarray:
    """Numbers of the images whose values use less than 5 % of the window `(low, high)`."""
    low, high = window
    used = np.clip(intensities.of_case, low, high)
    return np.flatnonzero(used[:, 1] - used[:, 0] < NARROW * (high - low))


def _first(values: set[int]) -> list[str]:
    return [str(value) for value in sorted(values)[:5]]
