"""Slices of image and mask in turns, as one volume."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthtrial.cohorts.representations.blocks import Blocks, MaskLevels
from synthtrial.cohorts.representations.representation import require_volume


class Interleave:
    """Slice by slice along z: the slice of each image channel, then that of each label; B slices for every one.

    The grid is that of `ZConcat`, but neighbours along z hardly resemble each other. Kept for comparison.

    Args:
        labels: names of the L mask labels.
        image_channels: channels C of the image.
        shape: spatial shape (X, Y, Z) of a case, voxels.
        mask_levels: "binary": one slice per label, `B = C + L`; or "grey": one slice with a grey level per label,
            `B = C + 1`.

    Attributes:
        channels: 1.
        mask_channels: 0.
        grid: `(X, Y, B Z)`.

    Raises:
        ConfigError: for a 2D cohort.
    """

    def __init__(
        self,
        labels: Sequence[str],
        image_channels: int,
        shape: Sequence[int],
        *,
        mask_levels: MaskLevels = "binary",
    ) -> None:
        require_volume("interleave", tuple(shape))
        self.blocks = Blocks(len(labels), image_channels, mask_levels)
        self.shape = tuple(shape)
        x, y, z = shape
        self.channels, self.mask_channels, self.grid = 1, 0, (x, y, z * self.blocks.count)

    def encode(self, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Turn an image `(C, X, Y, Z)` and a label map `(X, Y, Z)` into float32 `(1, X, Y, B Z)`."""
        return np.moveaxis(self.blocks.stack(image, mask), 0, -1).reshape(1, *self.grid)

    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turn `(1, X, Y, B Z)` back into the image `(C, X, Y, Z)` and mask scores `(L, X, Y, Z)`."""
        slices = array[0].reshape(*self.shape, self.blocks.count)
        return self.blocks.split(np.moveaxis(slices, -1, 0))
