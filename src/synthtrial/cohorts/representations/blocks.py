"""A case as a stack of equal blocks: the image's channels, then its mask. Representations arrange these blocks."""

from __future__ import annotations

from typing import Literal

import numpy as np

MaskLevels = Literal["binary", "grey"]
"""`binary`: a block per label, 1 inside and -1 outside. `grey`: one block, the values 0..L spread over [-1, 1]."""


class Blocks:
    """Stacks image and mask, and takes the stack apart.

    Args:
        n_labels: labels L of the mask.
        image_channels: channels C of the image.
        mask_levels: how the mask becomes blocks.

    Attributes:
        count: number B of blocks.
        masks: how many of them, the last ones, are masks.
    """

    def __init__(self, n_labels: int, image_channels: int, mask_levels: MaskLevels = "binary") -> None:
        self.n_labels, self.image_channels = n_labels, image_channels
        self.grey = mask_levels == "grey" and n_labels > 0
        self.masks = 1 if self.grey else n_labels
        self.count = image_channels + self.masks

    def stack(self, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Turn an image `(C, *shape)` and a label map `(*shape)` into float32 `(B, *shape)`."""
        values = self._label_values(mask.ndim)
        masks = self._grey_level(mask[None]) if self.grey else np.where(mask == values, np.float32(1), np.float32(-1))
        return np.concatenate([image.astype(np.float32, copy=False), masks])

    def split(self, blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turn `(B, *shape)` into the image `(C, *shape)` and mask scores `(L, *shape)`.

        Grey levels score 1 for a label at the label's own level, 0 half-way to the next, and at least -1.
        """
        image, masks = blocks[: self.image_channels], blocks[self.image_channels :]
        if self.grey:
            levels = self._grey_level(self._label_values(masks.ndim - 1))
            masks = np.maximum(1 - self.n_labels * np.abs(masks - levels), np.float32(-1))
        return image, masks

    def _label_values(self, axes: int) -> np.ndarray:
        """The mask values 1..L, `(L, 1, ...)` with `axes` ones."""
        return np.arange(1, self.n_labels + 1, dtype=np.uint8).reshape(-1, *[1] * axes)

    def _grey_level(self, values: np.ndarray) -> np.ndarray:
        return values * np.float32(2 / self.n_labels) - np.float32(1)
