"""The part of the image that a score depends on."""

from __future__ import annotations

import numpy as np


def bounding_box(prediction: np.ndarray, reference: np.ndarray) -> tuple[slice, ...]:
    """The smallest box that holds all labels of both maps; empty when they have none."""
    labelled = (prediction > 0) | (reference > 0)
    box = []
    for axis in range(labelled.ndim):
        inside = np.flatnonzero(labelled.any(axis=tuple(other for other in range(labelled.ndim) if other != axis)))
        box.append(slice(inside[0], inside[-1] + 1) if inside.size else slice(0, 0))
    return tuple(box)
