"""From mask scores to a clean label map."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def label_map(scores: np.ndarray, threshold: float) -> np.ndarray:
    """Give each voxel the label of the highest score, or background where none exceeds the threshold.

    Args:
        scores: `(L, *spatial)`, one score per label, in [-1, 1].
        threshold: a score must be above it.

    Returns:
        Uint8 `(*spatial)`: `k + 1` for the k-th label, 0 for background. Ties go to the lower label.
    """
    return np.where(scores.max(axis=0) > threshold, scores.argmax(axis=0) + 1, 0).astype(np.uint8)


def keep_largest_components(mask: np.ndarray, components: int | None) -> np.ndarray:
    """Keep the largest connected components of each label; voxels that touch by a corner are connected.

    Args:
        mask: uint8 label map `(*spatial)`.
        components: how many to keep per label; None keeps all. Of equally large ones the first in scan order stays.

    Returns:
        A new label map; what is dropped becomes background.
    """
    if components is None:
        return mask
    kept = np.zeros_like(mask)
    neighbours = np.ones([3] * mask.ndim)
    for label in np.unique(mask[mask > 0]):
        numbered, _ = ndimage.label(mask == label, structure=neighbours)
        sizes = np.bincount(numbered.ravel())[1:]
        largest = np.argsort(-sizes, kind="stable")[:components] + 1
        kept[np.isin(numbered, largest)] = label
    return kept
