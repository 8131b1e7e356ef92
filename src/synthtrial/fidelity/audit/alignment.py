"""Mirroring and shifts of a few voxels between two images, and what is left of their difference after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST_SHIFT = 2
"""Largest shift that is searched for, voxels per axis."""

MOST_GAIN = 1.25
"""Largest change of contrast that is undone."""

SEARCH_VOXELS, MEASURE_VOXELS = 2**14, 2**18
"""How many voxels of a channel are compared at most: for each shift that is tried, and for the distance itself."""


@dataclass(frozen=True)
class Alignment:
    """How a training image must be moved to lie on another one: shifted first, then mirrored.

    Attributes:
        mirrored: for each spatial axis whether it is flipped.
        shift: voxels along each axis.
    """

    mirrored: tuple[bool, ...]
    shift: tuple[int, ...]

    def onto(self, image: np.ndarray) -> np.ndarray:
        """Move a training image `(C, *spatial)`; its border goes on where the shift leaves a gap."""
        for axis, (shift, length) in enumerate(zip(self.shift, image.shape[1:], strict=True), start=1):
            image = np.take(image, np.clip(np.arange(length) - shift, 0, length - 1), axis)
        return np.flip(image, flipped_axes(self.mirrored))

    def __str__(self) -> str:
        """What was done, such as `mirrored along axis 1, shifted by 0, 1, 0 voxels`; empty where nothing was."""
        parts = []
        if any(self.mirrored):
            axes = [str(axis) for axis, flipped in enumerate(self.mirrored, start=1) if flipped]
            parts.append(f"mirrored along axis {' and '.join(axes)}")
        if any(self.shift):
            parts.append(f"shifted by {', '.join(map(str, self.shift))} voxels")
        return ", ".join(parts)


def flipped_axes(mirrored: Sequence[bool]) -> tuple[int, ...]:
    """The axes of an image `(C, *spatial)` that are flipped."""
    return tuple(axis for axis, flipped in enumerate(mirrored, start=1) if flipped)


def margins(shape: Sequence[int]) -> tuple[int, ...]:
    """Width of the border, voxels per axis, that no comparison looks at: shifts fill it with anything."""
    return tuple(min(MOST_SHIFT, (length - 1) // 4) for length in shape)


def best_shift(query: np.ndarray, case: np.ndarray, mirrored: Sequence[bool]) -> tuple[float, Alignment]:
    """Distance of two images at the shift that makes their voxels most alike.

    The inner part of `case` is compared with the part of the mirrored `query` that the shift moves it to, so that
    no voxel that a shift of the whole image has lost or filled takes part. Voxels are taken at full resolution, on a
    regular lattice where there are many: an exact copy has distance 0 whatever its size. For the distance, both are
    given the same mean and, as far as a gain of 1.25 can do it, the same contrast; and differences are averaged over
    2 neighbours along each axis, which keeps what anatomy makes and halves (2D) noise, or more.

    Args:
        query: image `(C, *spatial)` in [-1, 1].
        case: the training image it is compared with, of the same shape.
        mirrored: which axes of the query are flipped before.

    Returns:
        The root mean square of the averaged differences, in units of [-1, 1], and how `case` is moved onto `query`.
    """
    query = np.flip(query, flipped_axes(mirrored))
    shift = _search(query, case)
    dense = _lattice(case.shape[1:], MEASURE_VOXELS)
    matched = np.subtract(*_same_contrast(*_parts(query, case, shift, dense)))
    distance = _mean_square(_averaged(matched)) ** 0.5
    return distance, Alignment(tuple(bool(flipped) for flipped in mirrored), shift)


def _search(query: np.ndarray, case: np.ndarray) -> tuple[int, ...]:
    """The shift with the smallest difference on a sparse lattice; the shortest where several have it."""
    lattice = _lattice(case.shape[1:], SEARCH_VOXELS)
    space = tuple(range(1, case.ndim))
    windows = np.lib.stride_tricks.sliding_window_view(query, [stop - start for start, stop, _ in lattice], axis=space)
    windows = windows[(slice(None),) * case.ndim + tuple(slice(None, None, step) for _, _, step in lattice)]
    part = case[(slice(None), *[slice(*axis) for axis in lattice])]
    moved = windows.shape[1 : case.ndim]
    difference = (windows - np.expand_dims(part, space)).reshape(len(case), np.prod(moved), -1)
    squares = np.einsum("csv,csv->s", difference, difference).reshape(moved)
    shifts = np.argwhere(squares == squares.min()) - margins(case.shape[1:])
    return tuple(int(by) for by in min(shifts, key=lambda shift: np.abs(shift).sum()))


def _lattice(shape: Sequence[int], voxels: int) -> list[tuple[int, int, int]]:
    """Start, stop and step per axis of a lattice over the inner part, of at most so many voxels."""
    per_axis = int(voxels ** (1 / len(shape)) + 1e-6)
    inner = [(border, length - border) for border, length in zip(margins(shape), shape, strict=True)]
    return [(start, stop, -(-(stop - start) // per_axis)) for start, stop in inner]


def _parts(
    query: np.ndarray, case: np.ndarray, shift: Sequence[int], lattice: list[tuple[int, int, int]]
) -> tuple[np.ndarray, np.ndarray]:
    """The parts of both images that a shift brings together."""
    here = tuple(slice(*axis) for axis in lattice)
    there = tuple(slice(start + by, stop + by, step) for (start, stop, step), by in zip(lattice, shift, strict=True))
    return query[(slice(None), *there)], case[(slice(None), *here)]


def _same_contrast(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both images less their mean; the gain that they need is shared, so that neither of them sets the scale."""
    spread = [max(float(image.std(dtype=np.float64)), 1e-6) for image in (first, second)]
    gain = np.float32(np.clip(spread[1] / spread[0], 1 / MOST_GAIN, MOST_GAIN) ** 0.5)
    first, second = (image - image.mean(dtype=np.float64).astype(np.float32) for image in (first, second))
    return first * gain, second / gain


def _averaged(difference: np.ndarray) -> np.ndarray:
    """Means of 2 neighbours along each spatial axis."""
    for axis in range(1, difference.ndim):
        if difference.shape[axis] > 1:
            along = np.moveaxis(difference, axis, 0)
            difference = np.moveaxis((along[1:] + along[:-1]) / 2, 0, axis)
    return difference


def _mean_square(difference: np.ndarray) -> float:
    return float(np.square(difference).mean(dtype=np.float64))
