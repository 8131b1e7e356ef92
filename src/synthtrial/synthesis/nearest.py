"""The nearest real training case of a synthetic one, by pixels: the first, coarse look for copies."""

from __future__ import annotations

import numpy as np

from synthtrial.cohorts.prepared import PreparedCohort

GRID = {2: 32, 3: 16}
"""Cells per axis of the coarse grid, by spatial dimensions."""


class NearestRealCase:
    """Find the real case with the smallest root mean square difference on a coarse grid.

    Images are averaged over the cells of a grid of at most 32 x 32 (2D) or 16 x 16 x 16 (3D), which keeps every
    training case in memory at 16 KiB per channel in 3D and forgives shifts of less than a cell.

    Args:
        cohort: holds the real cases.
        case_ids: the cases to search: those that the generator has seen.
    """

    def __init__(self, cohort: PreparedCohort, case_ids: list[str]) -> None:
        self.case_ids = list(case_ids)
        self.coarse = np.stack([coarse_vector(cohort.image(case_id)) for case_id in self.case_ids])

    def __call__(self, image: np.ndarray) -> tuple[str, float]:
        """Return the nearest case's id and its distance, in image units of [-1, 1], for an image `(C, *spatial)`."""
        distances = np.sqrt(((self.coarse - coarse_vector(image)) ** 2).mean(axis=1))
        nearest = int(distances.argmin())
        return self.case_ids[nearest], float(distances[nearest])


def coarse_vector(image: np.ndarray) -> np.ndarray:
    """Average an image `(C, *spatial)` over the cells of the coarse grid and flatten it, float32."""
    for axis, length in enumerate(image.shape[1:], start=1):
        cells = min(length, GRID[image.ndim - 1])
        edges = np.linspace(0, length, cells + 1).astype(int)
        sizes = np.diff(edges).reshape([-1 if a == axis else 1 for a in range(image.ndim)])
        image = np.add.reduceat(image, edges[:-1], axis=axis) / sizes
    return image.astype(np.float32).ravel()
