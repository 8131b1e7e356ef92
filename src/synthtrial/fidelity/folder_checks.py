"""Do images belong together? Checks of headers: within a folder, between two, and between image and mask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from synthtrial.errors import CohortError
from synthtrial.fidelity.folder_reading import Header, is_nifti

SPACING_TOLERANCE = 1e-3
"""Relative difference of voxel sizes that counts as none."""

MAX_DISPLACEMENT = 0.1
"""Image and mask share a grid when no corner lies further apart than this part of a voxel."""


def size_in_words(header: Header) -> str:
    """Size and spacing, such as `32 x 32 x 20 voxels of 1 x 1 x 2.5 mm`; pictures have no spacing."""
    shape, spacing = (" x ".join(f"{x:.6g}" for x in row) for row in (header.shape, header.spacing_mm))
    return f"{shape} voxels of {spacing} mm" if header.has_spacing else f"{shape} pixels"


def common_header(folder: Path, files: Sequence[Path], headers: Sequence[Header]) -> Header:
    """The header that all images of a folder share.

    Raises:
        CohortError: naming the first image that differs in kind, shape or spacing from what most are.
    """
    most, count = Counter((header.kind, header.shape) for header in headers).most_common(1)[0]
    common = next(header for header in headers if (header.kind, header.shape) == most)
    others = f"{count} of {len(files)}"
    for path, header in zip(files, headers, strict=True):
        if header.kind != common.kind:
            raise CohortError(
                f"{folder} mixes kinds of images: {path.name} is one of {header.kind}, {others} are {common.kind}. "
                "Convert them to one kind"
            )
        if not _same_size(header, common):
            raise CohortError(
                f"{folder} mixes sizes: {path.name} has {size_in_words(header)}, {others} have {size_in_words(common)}"
                ". Crop or resample them to one size and spacing"
            )
    return common


def check_alike(first: Header, first_folder: Path, second: Header, second_folder: Path) -> None:
    """Check that the images of two folders can be compared.

    Raises:
        CohortError: when they differ in kind, shape or spacing.
    """
    if first.kind != second.kind:
        raise CohortError(
            f"the two sets can't be compared: {first_folder} holds {first.kind}, {second_folder} {second.kind}. "
            "Convert one set to the kind of the other"
        )
    if not _same_size(first, second):
        raise CohortError(
            f"the two sets can't be compared: images in {first_folder} have {size_in_words(first)}, those in "
            f"{second_folder} {size_in_words(second)}. Crop or resample one set to the other's size and spacing first"
        )


def check_mask(image: Path, header: Header, path: Path, mask: Header) -> None:
    """Check that a mask lies on the grid of its image.

    Raises:
        CohortError: when they differ in shape or in their place in space.
    """
    if mask.shape != header.shape or is_nifti(path) != is_nifti(image):
        sizes = " and ".join(size_in_words(one) for one in (header, mask))
        raise CohortError(
            f"image {image} and mask {path} have different grids: {sizes}. Resample the mask to the image"
        )
    apart = np.linalg.norm(header.corners_mm - mask.corners_mm, axis=1).max()
    if apart > MAX_DISPLACEMENT * min(header.spacing_mm):
        raise CohortError(
            f"image {image} and mask {path} lie up to {apart:.2f} mm apart in space: their affines differ. "
            "Resample the mask to the image, or copy the right affine"
        )


def _same_size(one: Header, other: Header) -> bool:
    """Whether two images have one shape, and one spacing within 0.1 %."""
    return one.shape == other.shape and np.allclose(one.spacing_mm, other.spacing_mm, rtol=SPACING_TOLERANCE, atol=0)
