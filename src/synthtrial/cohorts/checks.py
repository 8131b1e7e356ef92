"""Checks of voxel values that all readers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from synthtrial.errors import CohortError, ConfigError

LabelValues = Mapping[str, int | Sequence[int]]
"""Label name -> its value in the mask files, or several values that are taken together."""


def check_finite(image: np.ndarray, path: Path) -> None:
    """Raise a `CohortError` when a voxel is NaN or infinite."""
    bad = np.count_nonzero(~np.isfinite(image))
    if bad:
        raise CohortError(f"{path}: {bad} of {image.size} voxels are NaN or infinite; repair the file or leave it out")


def check_labels(labels: LabelValues) -> None:
    """Raise a `ConfigError` when a label value is not in 1..255 or is declared twice."""
    values = [value for declared in labels.values() for value in np.atleast_1d(declared).tolist()]
    wrong = [value for value in values if not isinstance(value, int) or not 1 <= value <= 255]
    if wrong:
        raise ConfigError(f"cohort.labels: the value {wrong[0]!r} is not a whole number in 1..255")
    if len(set(values)) < len(values) or not values:
        raise ConfigError(f"cohort.labels: {dict(labels)} must name each mask value once, and at least one")


def label_map(values: np.ndarray, labels: LabelValues, path: Path) -> np.ndarray:
    """Translate mask values as stored into a uint8 map with the value `k + 1` for the k-th label.

    Masks stored as floating point are welcome as long as their values are whole.

    Raises:
        CohortError: when a value is neither 0 nor declared.
    """
    new_value = {0: 0} | {
        old: k for k, declared in enumerate(labels.values(), start=1) for old in np.atleast_1d(declared).tolist()
    }
    found = np.unique(values)
    unknown = [value for value in found.tolist() if value not in new_value]
    if unknown:
        raise CohortError(
            f"{path}: the mask holds the values {_few(unknown)}, which cohort.labels does not declare "
            f"(0 is background; declared: {dict(labels)}). Declare them or repair the mask"
        )
    result = np.zeros(values.shape, np.uint8)
    for old in found.tolist():
        if new_value[old]:
            result[values == old] = new_value[old]
    return result


def _few(values: list) -> str:
    """Name the first values of a list that may be long."""
    shown = ", ".join(f"{value:g}" for value in values[:5])
    return shown if len(values) <= 5 else f"{shown} and {len(values) - 5} more"
