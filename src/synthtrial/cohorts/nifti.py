"""Reading an image and a mask from NIfTI files, onto one grid."""

from __future__ import annotations

import zlib
from pathlib import Path

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation, ornt_transform

from synthtrial.cohorts.case import CaseRef, RawCase
from synthtrial.cohorts.checks import LabelValues, check_finite, label_map
from synthtrial.cohorts.surplus_plane import drop_surplus_plane
from synthtrial.errors import CohortError

MAX_DISPLACEMENT = 0.1
"""Image and mask share a grid when no corner lies further apart than this part of a voxel."""


def read_pair(ref: CaseRef, labels: LabelValues, channels: int) -> RawCase:
    """Read one image and its mask.

    A mask stored in another axis order or direction is turned to that of the image. Where their shapes differ by one
    voxel in one dimension (512 against 513, as in some HECKTOR cases) the last plane of the larger is dropped, with a
    warning.

    Raises:
        CohortError: when a file can't be read, holds NaN or undeclared values, or the two grids differ.
    """
    assert ref.image is not None
    image, affine = load_volume(ref.image)
    image = _channels_first(image, channels, ref.image)
    check_finite(image, ref.image)
    if not ref.masks:
        return RawCase(ref, image, None, affine)
    path = ref.masks[0]
    values, mask_affine = load_volume(path)
    if values.ndim != 3:
        raise CohortError(f"{path}: a mask must be 3D, but has the shape {values.shape}")
    check_finite(values, path)
    values, mask_affine = _reorient_like(values, mask_affine, affine)
    image, values, warnings = drop_surplus_plane(image, values, ref)
    _check_same_place(affine, mask_affine, values.shape, ref)
    return RawCase(ref, np.ascontiguousarray(image), label_map(values, labels, path), affine, warnings)


def load_volume(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Load a NIfTI file whole: float32 `(x, y, z)` or `(x, y, z, C)` as stored, and its affine `(4, 4)`."""
    try:
        file = nibabel.load(path)
        stored = np.asanyarray(file.dataobj)  # type: ignore[attr-defined]
        affine = np.asarray(file.affine, np.float64)  # type: ignore[attr-defined]
    except (OSError, EOFError, ValueError, zlib.error, ImageFileError) as error:
        raise CohortError(
            f"{path}: not a whole NIfTI file ({error}). It may be cut off: copy or download it again"
        ) from error
    if stored.dtype.kind not in "biuf":
        raise CohortError(
            f"{path}: expected a number per voxel, but it holds {stored.dtype}: convert it to grey values"
        )
    volume = stored.astype(np.float32)
    while volume.ndim > 3 and volume.shape[-1] == 1:
        volume = volume[..., 0]
    if volume.ndim not in (3, 4) or 0 in volume.shape:
        raise CohortError(f"{path}: expected a volume of 3 dimensions, but it has the shape {volume.shape}")
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise CohortError(
            f"{path}: its affine can't be inverted, so its voxels have no place in space: {affine.tolist()}"
        )
    return volume, affine


def _channels_first(volume: np.ndarray, channels: int, path: Path) -> np.ndarray:
    """Return `(C, x, y, z)`."""
    found = 1 if volume.ndim == 3 else volume.shape[3]
    if found != channels:
        raise CohortError(f"{path}: expected {channels} channel(s), but its shape {volume.shape} has {found}")
    return volume[None] if volume.ndim == 3 else np.moveaxis(volume, 3, 0)


def _reorient_like(values: np.ndarray, affine: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flip and permute the axes of a volume so that they run as those of the `target` affine."""
    transform = ornt_transform(io_orientation(affine), io_orientation(target))
    return apply_orientation(values, transform), affine @ inv_ornt_aff(transform, values.shape)


def _check_same_place(affine: np.ndarray, mask_affine: np.ndarray, shape: tuple[int, ...], ref: CaseRef) -> None:
    """Refuse a pair whose voxel grids lie apart in space."""
    corners = np.array([[*corner, 1] for corner in np.ndindex(2, 2, 2)]) * [*np.subtract(shape, 1), 1]
    apart = np.linalg.norm((corners @ (affine - mask_affine).T)[:, :3], axis=1).max()
    if apart > MAX_DISPLACEMENT * np.linalg.norm(affine[:3, :3], axis=0).min():
        raise CohortError(
            f"case {ref.case_id}: image and mask lie up to {apart:.2f} mm apart in space: their affines differ. "
            f"Image {ref.image}: {np.round(affine[:3], 3).tolist()}; mask {ref.masks[0]}: "
            f"{np.round(mask_affine[:3], 3).tolist()}. Resample the mask to the image, or copy the right affine"
        )
