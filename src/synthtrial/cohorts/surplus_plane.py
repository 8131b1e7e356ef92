"""Bringing image and mask to one shape where exporters have left them one plane apart."""

from __future__ import annotations

import numpy as np

from synthtrial.cohorts.case import CaseRef
from synthtrial.errors import CohortError


def drop_surplus_plane(
    image: np.ndarray, mask: np.ndarray, ref: CaseRef
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Cut image `(C, *spatial)` and mask `(*spatial)` to their common shape if one plane of one of them does it.

    Returns:
        Image, mask, and a warning if the last plane of one of them was dropped.

    Raises:
        CohortError: when the shapes differ by more than one voxel in one dimension.
    """
    shape, mask_shape = image.shape[1:], mask.shape
    if shape == mask_shape:
        return image, mask, ()
    sizes = f"the image is {shape} voxels ({ref.image}), the mask {mask_shape} ({ref.masks[0]})"
    if len(shape) != len(mask_shape) or np.abs(np.subtract(shape, mask_shape)).sum() > 1:
        raise CohortError(
            f"case {ref.case_id}: {sizes}. They must be equal (one voxel in one dimension is forgiven): "
            "resample the mask to the image, or leave the case out"
        )
    common = tuple(slice(0, n) for n in np.minimum(shape, mask_shape))
    warning = f"case {ref.case_id}: {sizes}; the surplus last plane was dropped"
    return image[(slice(None), *common)], mask[common], (warning,)
