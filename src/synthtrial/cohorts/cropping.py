"""Cutting a case to a box of interest, and fitting it to the study's shape without changing its spacing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from synthtrial.cohorts.case import RawCase
from synthtrial.errors import CohortError

Box = tuple[np.ndarray, np.ndarray]
"""First voxel and number of voxels along each spatial axis; may reach beyond the grid."""


def whole_box(case: RawCase) -> Box:
    """The box of the whole grid."""
    return np.zeros(len(case.shape), int), np.array(case.shape)


def centre_box(case: RawCase, size_mm: Sequence[float]) -> Box:
    """A box of `size_mm` around the middle of the grid, at most the grid."""
    size = np.round(np.divide(size_mm, case.spacing)).astype(int)
    return _centred(whole_box(case), np.clip(size, 1, case.shape))


def lesion_box(case: RawCase, margin_mm: float) -> Box:
    """The bounding box of all labels with a margin, within the grid; the whole grid when the mask is empty."""
    if case.mask is None:
        raise CohortError(f"case {case.ref.case_id}: prepare.crop is 'lesion', but this cohort has no masks")
    return _bounding_box(case, case.mask > 0, margin_mm)


def foreground_box(case: RawCase, above: float, margin_mm: float) -> Box:
    """The bounding box of the largest connected region brighter than `above`, with a margin, within the grid.

    A voxel is bright when any of its channels is.
    """
    foreground = (case.image > above).any(axis=0)
    regions, count = ndimage.label(foreground)
    if count == 0:
        raise CohortError(
            f"case {case.ref.case_id}: no voxel is brighter than prepare.foreground_above ({above:g}); "
            f"the brightest is {case.image.max():g}. Set another threshold"
        )
    largest = 1 + np.argmax(np.bincount(regions.ravel())[1:])
    return _bounding_box(case, regions == largest, margin_mm)


def grow_or_cut(box: Box, grid: Sequence[int], size: Sequence[int] | np.ndarray) -> Box:
    """Give a box another size about its centre, then move it into the grid as far as the grid is large enough.

    So a small box fills up with the true surroundings, and only what the scan does not hold must be padded.
    """
    start, wanted = _centred(box, np.asarray(size))
    room = np.subtract(grid, wanted)
    return np.where(room >= 0, np.clip(start, 0, np.maximum(room, 0)), room // 2), wanted


def extract(case: RawCase, box: Box, fill: float = 0.0) -> RawCase:
    """Cut the box out of a case; voxels beyond the grid get `fill` in the image and 0 in the mask."""
    start, size = box
    inside = tuple(slice(max(0, s), min(n, s + k)) for s, k, n in zip(start, size, case.shape, strict=True))
    before = [max(0, -s) for s in start]
    after = [max(0, s + k - n) for s, k, n in zip(start, size, case.shape, strict=True)]
    padding = list(zip(before, after, strict=True))
    image = np.pad(case.image[(slice(None), *inside)], [(0, 0), *padding], constant_values=fill)
    mask = None if case.mask is None else np.pad(case.mask[inside], padding)
    shift = np.eye(4)
    shift[: len(start), 3] = start
    return replace(case, image=image, mask=mask, affine=case.affine @ shift)


def _bounding_box(case: RawCase, marked: np.ndarray, margin_mm: float) -> Box:
    """The box around all marked voxels with a margin, within the grid."""
    if not marked.any():
        return whole_box(case)
    bounds = ndimage.find_objects(marked.astype(np.uint8))[0]
    margin = np.ceil(np.divide(margin_mm, case.spacing)).astype(int)
    start = np.maximum(0, [b.start for b in bounds] - margin)
    stop = np.minimum(case.shape, [b.stop for b in bounds] + margin)
    return start, stop - start


def _centred(box: Box, size: np.ndarray) -> Box:
    """A box of another size with the same centre."""
    start, old = box
    return start + (old - size) // 2, size
