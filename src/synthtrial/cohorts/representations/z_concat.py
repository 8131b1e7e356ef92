"""Image and mask one above the other, as one volume."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from synthtrial.cohorts.representations.blocks import Blocks, MaskLevels
from synthtrial.cohorts.representations.representation import require_volume


class ZConcat:
    """The image's channels and the labels as B blocks stacked along z, in one channel.

    So a generator without channels, such as HA-GAN as published, makes pairs: 128x128x64 with one label is 128^3.

    Args:
        labels: names of the L mask labels.
        image_channels: channels C of the image.
        shape: spatial shape (X, Y, Z) of a case, voxels.
        mask_levels: "binary": one block per label, `B = C + L`; or "grey": one block with a grey level per label,
            `B = C + 1`.

    Attributes:
        channels: 1.
        mask_channels: 0.
        grid: `(X, Y, B Z)`.

    Raises:
        ConfigError: for a 2D cohort.
    """

    name: ClassVar[str] = "z_concat"

    def __init__(
        self,
        labels: Sequence[str],
        image_channels: int,
        shape: Sequence[int],
        *,
        mask_levels: MaskLevels = "binary",
    ) -> None:
        require_volume(self.name, tuple(shape))
        self.blocks = Blocks(len(labels), image_channels, mask_levels)
        x, y, z = self.shape = tuple(shape)
        self.channels, self.mask_channels, self.grid = 1, 0, (x, y, z * self.blocks.count)

    def encode(self, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Turn an image `(C, X, Y, Z)` and a label map `(X, Y, Z)` into float32 `(1, X, Y, B Z)`."""
        return np.concatenate(self.blocks.stack(image, mask), axis=-1)[None]

    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turn `(1, X, Y, B Z)` back into the image `(C, X, Y, Z)` and mask scores `(L, X, Y, Z)`."""
        return self.blocks.split(np.stack(np.split(array[0], self.blocks.count, axis=-1)))
