"""The drawing tools of the CT phantom: a grid in mm, shapes as signed depths, soft edges, smooth randomness.

A depth is positive inside a shape and 0 on its surface, in mm (approximately, where the shape is not a ball).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage


@dataclass(frozen=True)
class Grid:
    """Voxel centres in mm as three arrays that broadcast to the volume: `(X, 1, 1)`, `(1, Y, 1)`, `(1, 1, Z)`."""

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    spacing: tuple[float, float, float]

    @classmethod
    def centred(cls, shape: Sequence[int], spacing: Sequence[float], centre: Sequence[float]) -> Grid:
        """A grid of `shape` voxels, `spacing` mm apart, around `centre`."""
        x, y, z = (
            ((np.arange(n) - (n - 1) / 2) * step + middle).astype(np.float32)
            for n, step, middle in zip(shape, spacing, centre, strict=True)
        )
        return cls(x[:, None, None], y[None, :, None], z[None, None, :], tuple(spacing))  # type: ignore[arg-type]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along each axis."""
        return self.x.size, self.y.size, self.z.size

    @property
    def first(self) -> np.ndarray:
        """Place of voxel (0, 0, 0), mm."""
        return np.array([self.x.flat[0], self.y.flat[0], self.z.flat[0]])

    @property
    def edge(self) -> float:
        """Width of the soft edge of every shape, mm: a mean voxel, as a scanner averages within a voxel."""
        return float(np.mean(self.spacing))

    def near(self, centre: Sequence[float] | np.ndarray, reach: float) -> tuple[tuple[slice, ...], Grid]:
        """The part of the grid within `reach` mm of a point along every axis: its index, and the part itself."""
        index = tuple(
            slice(*np.searchsorted(axis.ravel(), (middle - reach, middle + reach)))
            for axis, middle in zip((self.x, self.y, self.z), centre, strict=True)
        )
        i, j, k = index
        return index, Grid(self.x[i], self.y[:, j], self.z[:, :, k], self.spacing)


def paint(hu: np.ndarray, depth: np.ndarray, value: float | np.ndarray, edge: float) -> None:
    """Paint `value` where `depth` is positive, in place, with a soft edge `edge` mm wide."""
    cover = np.clip(depth / np.float32(edge) + np.float32(0.5), 0, 1)
    hu += cover * (value - hu)


def ellipsoid(grid: Grid, centre: Sequence[float] | np.ndarray, radii: Sequence[float] | np.ndarray) -> np.ndarray:
    """Depth of an ellipsoid with its axes along the grid; an infinite radius makes it a cylinder."""
    offsets = (grid.x - centre[0], grid.y - centre[1], grid.z - centre[2])
    squares = [(offset / np.float32(radius)) ** 2 for offset, radius in zip(offsets, radii, strict=True)]
    return (1 - np.sqrt(squares[0] + squares[1] + squares[2])) * np.float32(min(radii))


def texture(rng: np.random.Generator, grid: Grid, scale_mm: float) -> np.ndarray:
    """A smooth random field over the grid, standard deviation about 1, with blobs of about `scale_mm`."""
    extent = np.multiply(grid.shape, grid.spacing)
    coarse = np.ceil(extent / scale_mm).astype(int) + 1
    field = rng.standard_normal(coarse, dtype=np.float32)
    step = np.array(grid.spacing) / scale_mm
    return 1.7 * ndimage.affine_transform(field, step, output_shape=grid.shape, order=1, mode="nearest")


def tubes(grid: Grid, points: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Depth of the union of balls `(N, 3)` with `radii` `(N,)`, which follow each other closely along tubes.

    A tube thinner than a voxel covers the voxel in part only: its radius is shrunk so that `paint` covers as much as
    the tube's cross-section does.
    """
    edge = grid.edge
    radii = np.minimum(radii, edge * (np.pi * (radii / edge) ** 2 - 0.5))
    depth = np.full(grid.shape, -edge, np.float32)
    for low, high in ((-edge / 2, edge / 2), (edge / 2, np.inf)):  # thin tubes reach few voxels, and are many
        chosen = (radii > low) & (radii <= high)
        if chosen.any():
            _stamp_balls(depth, grid, points[chosen], radii[chosen])
    return depth


def _stamp_balls(depth: np.ndarray, grid: Grid, points: np.ndarray, radii: np.ndarray) -> None:
    """Raise `depth`, in place, to that of balls."""
    reach = np.ceil((radii.max() + grid.edge / 2) / np.array(grid.spacing) - 0.5).astype(int)
    reach = np.minimum(reach, np.array(grid.shape) - 1)
    offsets = np.stack(np.meshgrid(*[np.arange(-k, k + 1) for k in reach], indexing="ij"), -1).reshape(1, -1, 3)
    centres = ((points - grid.first) / grid.spacing).astype(np.float32)
    voxels = np.round(centres).astype(np.int32)[:, None] + offsets
    apart = (voxels - centres[:, None]) * np.array(grid.spacing, np.float32)
    local = radii[:, None].astype(np.float32) - np.sqrt((apart**2).sum(axis=2))
    seen = ((voxels >= 0) & (voxels < grid.shape)).all(axis=2) & (local > -grid.edge / 2)
    np.maximum.at(depth, tuple(voxels[seen].T), local[seen])


class Waves:
    """A smooth random function of a direction or an angle, mean 0: a few cosines with random wave vectors.

    Args:
        rng: where the randomness comes from.
        count: number of cosines.
        frequency: how fast it varies; 2 gives a few lobes around a circle, 8 many small ones.
    """

    def __init__(self, rng: np.random.Generator, count: int, frequency: float) -> None:
        self.vectors = rng.normal(0, frequency, (count, 3)).astype(np.float32)
        self.phases = rng.uniform(0, 2 * np.pi, count).astype(np.float32)

    def __call__(self, x: np.ndarray, y: np.ndarray, z: np.ndarray | float) -> np.ndarray:
        """Evaluate on unit vectors; the standard deviation is about 1."""
        total = sum(np.cos(a * x + b * y + c * z + p) for (a, b, c), p in zip(self.vectors, self.phases, strict=True))
        return total * np.float32(np.sqrt(2 / len(self.phases)))
