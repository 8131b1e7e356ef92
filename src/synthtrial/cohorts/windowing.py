"""Mapping intensities of a case to [-1, 1], the range of every generator."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthtrial.errors import CohortError


def percentile_window(image: np.ndarray, percentiles: Sequence[float], case_id: str) -> tuple[float, float]:
    """The (low, high) intensities at two percentiles of one case, for units that mean nothing by themselves (MR).

    All channels share one window.
    """
    low, high = (float(x) for x in np.percentile(image, percentiles))
    if not low < high:
        raise CohortError(
            f"case {case_id}: its intensities are {low:g} at both percentiles {list(percentiles)}: "
            "the image is (nearly) constant. Leave it out, crop to the foreground, or widen prepare.percentiles"
        )
    return low, high


def apply_window(image: np.ndarray, low: float, high: float) -> np.ndarray:
    """Clip to [low, high] and scale to [-1, 1], float32."""
    scaled = (np.clip(image, low, high) - low) * (2.0 / (high - low)) - 1.0
    return scaled.astype(np.float32)


def invert_window(image: np.ndarray, low: float, high: float) -> np.ndarray:
    """Scale from [-1, 1] back to the cohort's unit, float32."""
    return ((image + 1.0) * ((high - low) / 2.0) + low).astype(np.float32)
