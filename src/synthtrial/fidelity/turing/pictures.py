"""What a rater sees of a case: slices as 8-bit PNG, and the mask's outlines. Real and synthetic go the same way."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np

from synthtrial.fidelity.cases import CaseSource

Slices = Literal["third", "middle"]


@dataclass(frozen=True)
class Stack:
    """The slices of a case that are shown.

    Attributes:
        pictures: a PNG per slice, from feet to head.
        outlines: per slice and label, an SVG path in pixels; None where masks are not shown.
        start: the slice that is shown first.
    """

    pictures: list[bytes]
    outlines: list[list[str]] | None
    start: int


def stack_of(source: CaseSource, case_id: str, slices: Slices, with_mask: bool) -> Stack:
    """Cut the shown part of a case.

    With masks it is cut around the slice with the largest mask area, so that every case shows its lesion; without them
    around the middle of the volume, where no mask can guide.

    Args:
        source: the cohort that holds the case.
        case_id: the case; 2D cases have one slice.
        slices: `third` of an axial stack, or `middle` for the one slice in its middle.
        with_mask: whether outlines are shown.
    """
    image, mask = source.image(case_id), np.asarray(source.mask(case_id))
    if mask.ndim == 2:
        planes, labels, start = [image], [mask], 0
    else:
        focus = _focus(mask) if with_mask else mask.shape[2] // 2
        first, count = _shown_range(mask.shape[2], focus, slices)
        shown = range(first, first + count)
        # Radiological orientation: the patient's right at the left edge, front up.
        planes = [image[..., z].transpose(0, 2, 1)[:, ::-1, ::-1] for z in shown]
        labels = [mask[..., z].T[::-1, ::-1] for z in shown]
        start = focus - first
    outlines = [[outline(plane == k + 1) for k in range(len(source.labels))] for plane in labels] if with_mask else None
    return Stack([png(plane) for plane in planes], outlines, start)


def picture_mm(source: CaseSource) -> tuple[float, float]:
    """Width and height of a slice in mm."""
    (nx, ny), (dx, dy) = source.shape[:2], source.spacing_mm[:2]
    return (nx * dx, ny * dy) if len(source.shape) == 3 else (ny * dy, nx * dx)


def png(image: np.ndarray) -> bytes:
    """A slice `(C, rows, columns)` in [-1, 1] as PNG of 8 bits: the first channel in grey, or three as colours."""
    from PIL import Image

    levels = np.round((np.clip(image, -1, 1) + 1) * 127.5).astype(np.uint8)
    pixels = levels.transpose(1, 2, 0) if len(levels) == 3 else levels[0]
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG")
    return buffer.getvalue()


def of_one_size(files: list[bytes]) -> list[bytes]:
    """The same PNG files, filled up with zeros behind their end to one length, since noise makes a larger file.

    Readers of PNG stop at its end mark.
    """
    longest = max(map(len, files))
    return [file.ljust(longest, b"\0") for file in files]


def outline(region: np.ndarray) -> str:
    """The outline of a region `(rows, columns)` as an SVG path, x to the right and y down, in pixels."""
    from skimage.measure import find_contours

    # Padded, so that outlines close at the edge; a pixel's centre is half a pixel from its corner.
    lines = find_contours(np.pad(region.astype(float), 1), 0.5)
    paths = ("L".join(f"{x - 0.5:g} {y - 0.5:g}" for y, x in line[:-1]) for line in lines)
    return "".join(f"M{path}Z" for path in paths)


def _focus(mask: np.ndarray) -> int:
    """The axial slice where the mask is largest; the middle one without a mask."""
    areas = (mask > 0).sum(axis=(0, 1))
    return int(areas.argmax()) if areas.any() else mask.shape[2] // 2


def _shown_range(depth: int, focus: int, slices: Slices) -> tuple[int, int]:
    """First slice and number of slices, around `focus` and inside the volume."""
    count = 1 if slices == "middle" else -(-depth // 3)
    return min(max(focus - count // 2, 0), depth - count), count
