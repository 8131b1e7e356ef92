"""Move and bend a label map at random, so that it is no patient's any more but still looks like one."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy import ndimage

ROTATION = 10.0
"""Largest rotation in each plane, degrees."""
SCALING = 0.15
"""Largest change of size, as a fraction; one factor for all axes."""
SHIFT = 0.05
"""Largest shift along each axis, as a fraction of its length in voxels."""
BEND = 0.03
"""Root mean square of the elastic displacement along each axis, as a fraction of the shortest axis in voxels."""
SMOOTHNESS = 0.125
"""Standard deviation of the Gaussian that smooths the displacement, as a fraction of the shortest axis in voxels."""
ATTEMPTS = 10
"""Deformations of one label map that are tried."""


def deformed(label_map: np.ndarray, rng: np.random.Generator, spacing_mm: tuple[float, ...] = ()) -> np.ndarray | None:
    """Rotate, scale, shift and bend a label map around the centre of its lesion; values stay labels.

    A deformation that loses a label, such as a lesion of a few voxels, is drawn again. Beyond its border a label map
    goes on as it ends.

    Args:
        label_map: uint8 `(*shape)`, not empty.
        rng: where everything random comes from.
        spacing_mm: voxel size, mm, so that rotations are rigid on anisotropic grids, too; empty for cubes.

    Returns:
        The deformed label map, or None when every attempt has lost a label.
    """
    for _ in range(ATTEMPTS):
        places = random_places(label_map, rng, np.array(spacing_mm or [1.0] * label_map.ndim))
        moved = ndimage.map_coordinates(label_map, places, order=0, mode="nearest")
        if np.array_equal(np.unique(moved[moved > 0]), np.unique(label_map[label_map > 0])):
            return moved
    return None


def random_places(label_map: np.ndarray, rng: np.random.Generator, spacing: np.ndarray) -> np.ndarray:
    """Where each voxel's value comes from, `(dims, *shape)`, voxels."""
    shape, dims = label_map.shape, label_map.ndim
    column = (dims, *[1] * dims)
    centre = np.array(ndimage.center_of_mass(label_map > 0))
    # In voxels: to mm, rotated and scaled, and back.
    turn = random_rotation(dims, rng) * rng.uniform(1 - SCALING, 1 + SCALING)
    turn = turn * spacing / spacing[:, None]
    shift = rng.uniform(-SHIFT, SHIFT, dims) * shape
    grid = np.indices(shape, dtype=float) - centre.reshape(column)
    return np.tensordot(turn, grid, axes=1) + (centre + shift).reshape(column) + random_bend(shape, rng)


def random_rotation(dims: int, rng: np.random.Generator) -> np.ndarray:
    """A rotation matrix `(dims, dims)`: one small rotation in every plane, one after another."""
    matrix = np.eye(dims)
    for first, second in combinations(range(dims), 2):
        angle = np.deg2rad(rng.uniform(-ROTATION, ROTATION))
        plane = np.eye(dims)
        plane[np.ix_([first, second], [first, second])] = [
            [np.cos(angle), -np.sin(angle)],
            [np.sin(angle), np.cos(angle)],
        ]
        matrix = plane @ matrix
    return matrix


def random_bend(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """A smooth displacement `(dims, *shape)`, voxels: Gaussian noise, smoothed and scaled along each axis."""
    sigma = SMOOTHNESS * min(shape)
    fields = np.stack([ndimage.gaussian_filter(rng.normal(size=shape), sigma) for _ in shape])
    size = np.sqrt((fields**2).mean(axis=tuple(range(1, fields.ndim)), keepdims=True))
    return BEND * min(shape) * fields / size
