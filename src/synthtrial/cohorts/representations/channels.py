"""Image and mask side by side, as channels of one array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthtrial.cohorts.representations.blocks import Blocks


class Channels:
    """The image's channels, then one channel per label with 1 inside and -1 outside; 2D and 3D.

    Args:
        labels: names of the L mask labels.
        image_channels: channels C of the image.
        shape: spatial shape of a case, voxels.

    Attributes:
        channels: `C + L`.
        mask_channels: `L`.
        grid: the shape of a case.
    """

    def __init__(self, labels: Sequence[str], image_channels: int, shape: Sequence[int]) -> None:
        self.blocks = Blocks(len(labels), image_channels)
        self.channels, self.mask_channels, self.grid = self.blocks.count, self.blocks.masks, tuple(shape)

    def encode(self, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Turn an image `(C, *shape)` and a label map `(*shape)` into float32 `(C + L, *shape)`."""
        return self.blocks.stack(image, mask)

    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cut `(C + L, *shape)` into the image `(C, *shape)` and mask scores `(L, *shape)`."""
        return self.blocks.split(array)
