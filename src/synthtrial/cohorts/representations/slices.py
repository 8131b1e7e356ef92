"""All slices of a volume as channels of one picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthtrial.cohorts.representations.blocks import Blocks
from synthtrial.cohorts.representations.representation import require_volume


class Slices:
    """The Z slices of each image channel, then those of each label, as channels of one 2D array.

    So any 2D generator makes whole volumes; convolutions see all slices of a place at once.

    Args:
        labels: names of the L mask labels.
        image_channels: channels C of the image.
        shape: spatial shape (X, Y, Z) of a case, voxels.

    Attributes:
        channels: `(C + L) Z`.
        mask_channels: `L Z`.
        grid: `(X, Y)`.

    Raises:
        ConfigError: for a 2D cohort.
    """

    def __init__(self, labels: Sequence[str], image_channels: int, shape: Sequence[int]) -> None:
        require_volume("slices", tuple(shape))
        self.blocks = Blocks(len(labels), image_channels)
        x, y, z = shape
        self.channels, self.mask_channels, self.grid = self.blocks.count * z, self.blocks.masks * z, (x, y)

    def encode(self, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Turn an image `(C, X, Y, Z)` and a label map `(X, Y, Z)` into float32 `((C + L) Z, X, Y)`."""
        slices = np.moveaxis(self.blocks.stack(image, mask), -1, 1)
        return slices.reshape(self.channels, *self.grid)

    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turn `((C + L) Z, X, Y)` back into the image `(C, X, Y, Z)` and mask scores `(L, X, Y, Z)`."""
        slices = array.reshape(self.blocks.count, -1, *self.grid)
        return self.blocks.split(np.moveaxis(slices, 1, -1))
