"""Turning a case to RAS and onto another voxel spacing, with the place of every voxel in the world kept exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from scipy import ndimage

from synthtrial.cohorts.case import RawCase


def to_ras(case: RawCase) -> RawCase:
    """Flip and permute the axes of a 3D case so that they run right, forward and up; a 2D case stays as it is."""
    if len(case.shape) == 2:
        return case
    orientation = io_orientation(case.affine)
    image = np.stack([apply_orientation(channel, orientation) for channel in case.image])
    mask = None if case.mask is None else np.ascontiguousarray(apply_orientation(case.mask, orientation))
    return replace(case, image=image, mask=mask, affine=case.affine @ inv_ornt_aff(orientation, case.shape))


def resample(case: RawCase, spacing: Sequence[float] | np.ndarray) -> RawCase:
    """Resample to `spacing` mm; the number of voxels follows from the extent of the case."""
    extent = np.multiply(case.shape, case.spacing)
    shape = np.maximum(1, np.round(extent / spacing)).astype(int)
    return regrid(case, shape.tolist(), np.divide(spacing, case.spacing))


def resize(case: RawCase, shape: Sequence[int]) -> RawCase:
    """Zoom the whole case to `shape`, its proportions free."""
    return regrid(case, shape, np.divide(case.shape, shape))


def regrid(case: RawCase, shape: Sequence[int], step: Sequence[float] | np.ndarray) -> RawCase:
    """Sample a case on a grid of `shape` with the same centre, whose voxels are `step` old voxels apart.

    The image is read linearly, after a Gaussian blur along axes that lose resolution (without it noise and fine
    structures alias); the mask takes the nearest voxel. Beyond the old grid the border values go on.
    """
    step = np.asarray(step, dtype=np.float64)
    if tuple(shape) == case.shape and np.allclose(step, 1):
        return case
    start = (np.subtract(case.shape, 1) - step * np.subtract(shape, 1)) / 2
    grid = {"matrix": step, "offset": start, "output_shape": tuple(shape), "mode": "nearest"}
    blur = np.maximum(0, (step - 1) / 2)
    image = np.stack([ndimage.affine_transform(ndimage.gaussian_filter(x, blur), order=1, **grid) for x in case.image])
    mask = None if case.mask is None else ndimage.affine_transform(case.mask, order=0, **grid)
    old_from_new = np.eye(4)
    axes = range(len(step))
    old_from_new[axes, axes] = step
    old_from_new[axes, 3] = start
    return replace(case, image=image, mask=mask, affine=case.affine @ old_from_new)
