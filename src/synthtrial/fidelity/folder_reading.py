"""One image or mask file of a plain folder: what its header tells, and its values."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation

from synthtrial.cohorts.pictures import load_picture, picture_affine
from synthtrial.errors import CohortError

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg")
NIFTI_ENDINGS = (".nii", ".nii.gz")
ENDINGS = PICTURE_ENDINGS + NIFTI_ENDINGS

EIGHT_BIT_GREY, SIXTEEN_BIT_GREY, RGB = "8-bit grey pictures", "16-bit grey pictures", "8-bit RGB pictures"
KIND_OF_MODE = {"1": EIGHT_BIT_GREY, "L": EIGHT_BIT_GREY, "LA": EIGHT_BIT_GREY, "I": SIXTEEN_BIT_GREY}
"""Pillow's picture modes; those that start with `I;16` have 16 bits, and all others are read as RGB."""

EXIF_ORIENTATION, TURNED_ON_THEIR_SIDE = 0x0112, range(5, 9)
UNREADABLE = (OSError, EOFError, SyntaxError, ValueError, zlib.error, ImageFileError)


@dataclass(frozen=True)
class Header:
    """What is known of an image before its values are read.

    Attributes:
        kind: of file, in words. Only images of one kind can be compared.
        shape: voxels per spatial axis: `(x, y, z)` of a volume in RAS order, the two axes longer than one voxel of a
            slice, `(row, column)` of a picture.
        spacing_mm: voxel size, mm, per such axis; 1 for a picture.
        corners_mm: `(8, 3)`, where the corner voxels lie in the world.
    """

    kind: str
    shape: tuple[int, ...]
    spacing_mm: tuple[float, ...]
    corners_mm: np.ndarray

    @property
    def has_spacing(self) -> bool:
        return self.kind.startswith("NIfTI")


def ending(path: Path) -> str:
    """The ending of an image file, such as `.nii.gz`; empty for any other file."""
    return next((one for one in sorted(ENDINGS, key=len, reverse=True) if path.name.lower().endswith(one)), "")


def is_nifti(path: Path) -> bool:
    return ending(path) in NIFTI_ENDINGS


def read_header(path: Path) -> Header:
    """Read the header alone.

    Raises:
        CohortError: for a file that is broken, or is no image of 2 or 3 dimensions.
    """
    return _nifti_header(path) if is_nifti(path) else _picture_header(path)


def read_values(path: Path) -> np.ndarray:
    """The image as float32 `(C, *spatial)`, in the values that are stored, with the axes that the header tells.

    Raises:
        CohortError: for a broken file, or a picture with transparent pixels.
    """
    if is_nifti(path):
        stored = _nifti_values(path)
        channels_first = stored[None] if stored.ndim == 3 else np.moveaxis(stored, 3, 0)
        return np.ascontiguousarray(_without_trivial_axis(channels_first, first=1), dtype=np.float32)
    kind, transparent = _picture_kind(path)
    if transparent:
        raise CohortError(f"{path}: it has transparent pixels, which have no value of their own: save it without alpha")
    return load_picture(path, "RGB" if kind == RGB else "grey")


def read_label_values(path: Path) -> np.ndarray:
    """The label map `(*spatial)` with the values that are stored.

    Raises:
        CohortError: for a broken file, or one that holds more than one number per voxel.
    """
    if is_nifti(path):
        stored = _nifti_values(path)
        if stored.ndim != 3:
            raise CohortError(f"{path}: a mask has one value per voxel, but this one has {stored.shape[3]}")
        return _without_trivial_axis(stored, first=0)
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as file:
            stored = np.array(ImageOps.exif_transpose(file))
    except UNREADABLE as error:
        raise _broken(path, error) from error
    if stored.ndim != 2:
        raise CohortError(
            f"{path}: a mask has one value per pixel, but this is a colour picture: save the label values"
        )
    return stored


def _picture_header(path: Path) -> Header:
    from PIL import Image

    try:
        with Image.open(path) as file:
            columns, rows = file.size
            if file.getexif().get(EXIF_ORIENTATION) in TURNED_ON_THEIR_SIDE:
                columns, rows = rows, columns
            kind = _kind_of_mode(file.mode)
    except UNREADABLE as error:
        raise _broken(path, error) from error
    return Header(kind, (rows, columns), (1.0, 1.0), _corners(picture_affine(1.0), (rows, columns, 1)))


def _kind_of_mode(mode: str) -> str:
    return SIXTEEN_BIT_GREY if mode.startswith("I;16") else KIND_OF_MODE.get(mode, RGB)


def _picture_kind(path: Path) -> tuple[str, bool]:
    """The kind of a picture, and whether a pixel of it is transparent; an opaque alpha channel does no harm."""
    from PIL import Image

    try:
        with Image.open(path) as file:
            kind = _kind_of_mode(file.mode)
            if not file.has_transparency_data:
                return kind, False
            return kind, file.convert("RGBA").getchannel("A").getextrema()[0] < 255  # type: ignore[operator]
    except UNREADABLE as error:
        raise _broken(path, error) from error


def _nifti_header(path: Path) -> Header:
    file = _open_nifti(path)
    stored_shape, dtype = file.shape, file.get_data_dtype()
    affine = np.asarray(file.affine, np.float64)
    if dtype.kind not in "biuf":
        raise CohortError(f"{path}: expected a number per voxel, but it holds {dtype}: convert it to grey values")
    if len(stored_shape) > 3 and set(stored_shape[4:]) - {1} or 0 in stored_shape or len(stored_shape) < 2:
        raise CohortError(f"{path}: expected a volume or a slice, but it has the shape {stored_shape}")
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise CohortError(f"{path}: its affine can't be inverted, so its voxels have no size: {affine.tolist()}")
    volume = (*stored_shape, 1)[:3]
    orientation = io_orientation(affine)
    ras = tuple(int(volume[axis]) for axis in np.argsort(orientation[:, 0]))
    affine = affine @ inv_ornt_aff(orientation, volume)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    axes = _spatial_axes(ras)
    channels = stored_shape[3] if len(stored_shape) > 3 else 1
    kind = ("NIfTI slices" if len(axes) == 2 else "NIfTI volumes") + (
        f" of {channels} channels" if channels > 1 else ""
    )
    return Header(kind, tuple(ras[a] for a in axes), tuple(float(spacing[a]) for a in axes), _corners(affine, ras))


def _nifti_values(path: Path) -> np.ndarray:
    """Stored values `(x, y, z)` or `(x, y, z, C)` in RAS order; memory-mapped where neither compressed nor scaled."""
    file = _open_nifti(path)
    try:
        stored = np.asanyarray(file.dataobj)
    except UNREADABLE as error:
        raise _broken(path, error) from error
    channels = stored.shape[3:4] if stored.ndim > 3 and stored.shape[3] > 1 else ()
    volume = stored.reshape((*stored.shape, 1)[:3] + channels)
    return apply_orientation(volume, io_orientation(file.affine))


def _open_nifti(path: Path) -> Any:
    try:
        return nibabel.load(path)
    except UNREADABLE as error:
        raise _broken(path, error) from error


def _corners(affine: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Centres of the eight corner voxels in the world, `(8, 3)` mm."""
    corners = np.array(list(np.ndindex(2, 2, 2))) * np.subtract(shape, 1)
    return corners @ affine[:3, :3].T + affine[:3, 3]


def _spatial_axes(shape: tuple[int, ...]) -> list[int]:
    """The axes that count: two where exactly one of three has a single voxel, else all."""
    longer = [axis for axis, length in enumerate(shape) if length > 1]
    return longer if len(longer) == 2 else list(range(len(shape)))


def _without_trivial_axis(array: np.ndarray, first: int) -> np.ndarray:
    """Drop the spatial axis that does not count; spatial axes start at `first`."""
    axes = _spatial_axes(array.shape[first:])
    return array.reshape(array.shape[:first] + tuple(array.shape[first + axis] for axis in axes))


def _broken(path: Path, error: Exception) -> CohortError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return CohortError(f"{path}: not a whole image file ({reason}). It may be cut off: copy or download it again")
