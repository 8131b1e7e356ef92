"""Cases kept coarse in memory, and compared in every mirrored and slightly shifted version at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np

from synthtrial.fidelity.audit.alignment import margins

CELLS = {2: 32, 3: 12}
"""Cells per axis of the coarse grid, by spatial dimensions: about 4 to 7 KiB per case and channel."""


class CoarseCases:
    """Images averaged over the cells of a grid: a quick look at which of them could be near an image.

    Mirroring, shifting and averaging are linear and act on each axis alone. So all versions of an image are made by
    one small matrix per axis, and compared with all cases by one matrix product.

    Args:
        images: images `(C, *spatial)` in [-1, 1], all of one shape; read one at a time.
        shape: their spatial shape, voxels.
    """

    def __init__(self, images: Iterable[np.ndarray], shape: Sequence[int]) -> None:
        widths = margins(shape)
        cells = [min(CELLS[len(shape)], length - 2 * width) for length, width in zip(shape, widths, strict=True)]
        self._versions = [version_matrix(*axis) for axis in zip(shape, widths, cells, strict=True)]
        self.mirrorings = tuple(product((False, True), repeat=len(shape)))
        self.values = np.stack([self._unmoved(image) for image in images])
        self.centre = self.values.mean(axis=0)
        self.values -= self.centre
        self.squares = np.square(self.values).sum(axis=1)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Distances `(n, mirrorings)` of an image `(C, *spatial)` to all cases, each at its best shift.

        The root mean square difference of the cells, in units of [-1, 1]; columns in the order of `mirrorings`.
        """
        versions = self._all_versions(image)
        products = versions @ self.values.T
        squares = np.square(versions).sum(axis=1)[:, None] + self.squares - 2 * products
        best = squares.reshape(len(self.mirrorings), -1, len(self.values)).min(axis=1)
        return np.sqrt(np.maximum(best, 0) / self.values.shape[1]).T

    def _unmoved(self, image: np.ndarray) -> np.ndarray:
        """Cells `(C * cells,)` of an image as it is."""
        for versions in self._versions:
            image = np.tensordot(image, versions[0, versions.shape[1] // 2], axes=(1, 1))
        return image.ravel()

    def _all_versions(self, image: np.ndarray) -> np.ndarray:
        """Cells `(mirrorings * shifts, C * cells)` of an image in all versions, less the mean case."""
        for versions in self._versions:
            image = np.tensordot(image, versions.reshape(-1, versions.shape[-1]), axes=(1, 1))
        dims = len(self._versions)
        split = image.reshape(len(image), *[n for versions in self._versions for n in versions.shape[:3]])
        mirrored, shifted, cells = (list(range(first, 1 + 3 * dims, 3)) for first in (1, 2, 3))
        return split.transpose(*mirrored, *shifted, 0, *cells).reshape(-1, len(self.centre)) - self.centre


def version_matrix(length: int, margin: int, cells: int) -> np.ndarray:
    """Means over the cells of one axis, `(2 mirrorings, 2 * margin + 1 shifts, cells, length)`, float32."""
    edges = margin + np.linspace(0, length - 2 * margin, cells + 1).astype(int)
    matrix = np.zeros((2, 2 * margin + 1, cells, length), np.float32)
    for row, shift in enumerate(range(-margin, margin + 1)):
        for cell, (start, stop) in enumerate(zip(edges[:-1] + shift, edges[1:] + shift, strict=True)):
            matrix[0, row, cell, start:stop] = 1 / (stop - start)
    matrix[1] = matrix[0, ..., ::-1]
    return matrix
