"""All slices of a volume as tiles of one page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthtrial.cohorts.representations.blocks import Blocks
from synthtrial.cohorts.representations.padding import BACKGROUND
from synthtrial.cohorts.representations.representation import require_volume
from synthtrial.errors import ConfigError


class Mosaic:
    """The slices along z, tiled row by row on a 2D page of R rows and Q columns; unused tiles hold -1.

    So a 2D generator sees whole volumes at once. A page of 1024x3680 pixels holds 184 slices of 128x160 in 8 rows and
    23 columns, or 138 slices of 154x154 in 6 rows and 23 columns with a margin around them; square slices fill it
    without a margin only where their side divides 32.

    Args:
        labels: names of the L mask labels.
        image_channels: channels C of the image.
        shape: spatial shape (X, Y, Z) of a case, voxels.
        columns: tiles beside each other; None makes the page as nearly square as it can be.

    Attributes:
        channels: `C + L`.
        mask_channels: `L`.
        grid: `(R X, Q Y)`.

    Raises:
        ConfigError: for a 2D cohort, or more columns than slices.
    """

    def __init__(
        self, labels: Sequence[str], image_channels: int, shape: Sequence[int], *, columns: int | None = None
    ) -> None:
        require_volume("mosaic", tuple(shape))
        x, y, z = self.shape = tuple(shape)
        if columns is not None and not 1 <= columns <= z:
            raise ConfigError(f"representation.columns: expected 1 to {z}, the slices of a case, but is {columns}")
        self.columns = columns or squarest(x, y, z)
        self.rows = -(-z // self.columns)
        self.blocks = Blocks(len(labels), image_channels)
        self.channels, self.mask_channels = self.blocks.count, self.blocks.masks
        self.grid = (self.rows * x, self.columns * y)

    def encode(self, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Turn an image `(C, X, Y, Z)` and a label map `(X, Y, Z)` into float32 `(C + L, R X, Q Y)`."""
        x, y, z = self.shape
        unused = self.rows * self.columns - z
        tiles = np.pad(self.blocks.stack(image, mask), [(0, 0)] * 3 + [(0, unused)], constant_values=BACKGROUND)
        tiles = tiles.reshape(self.channels, x, y, self.rows, self.columns)
        return tiles.transpose(0, 3, 1, 4, 2).reshape(self.channels, *self.grid)

    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turn `(C + L, R X, Q Y)` back into the image `(C, X, Y, Z)` and mask scores `(L, X, Y, Z)`."""
        x, y, z = self.shape
        tiles = array.reshape(self.channels, self.rows, x, self.columns, y).transpose(0, 2, 4, 1, 3)
        return self.blocks.split(tiles.reshape(self.channels, x, y, -1)[..., :z])


def squarest(x: int, y: int, z: int) -> int:
    """Columns of the page of z slices, x by y pixels each, with the shortest longer side, then the smallest area."""

    def page(columns: int) -> tuple[int, int]:
        height, width = -(-z // columns) * x, columns * y
        return max(height, width), height * width

    return min(range(1, z + 1), key=page)
