"""The image without its mask."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class ImageOnly:
    """The image's channels alone; 2D and 3D. Decoded cases have no mask scores, whatever labels the cohort has.

    Args:
        labels: names of the mask labels, which are left out.
        image_channels: channels C of the image.
        shape: spatial shape of a case, voxels.

    Attributes:
        channels: `C`.
        mask_channels: 0.
        grid: the shape of a case.
    """

    def __init__(self, labels: Sequence[str], image_channels: int, shape: Sequence[int]) -> None:
        self.channels, self.mask_channels, self.grid = image_channels, 0, tuple(shape)

    def encode(self, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Return an image `(C, *shape)` as it is, float32."""
        return image.astype(np.float32, copy=False)

    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the image `(C, *shape)` and mask scores `(0, *shape)`."""
        return array, array[:0]
