"""Slices of image and mask in turns, as one volume."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from synthtrial.cohorts.representations.z_concat import ZConcat


class Interleave(ZConcat):
    """The blocks of `ZConcat` slice by slice along z: a slice of each image channel, one of each label, and again.

    Settings, channels and grid are those of `ZConcat`, but neighbours along z hardly resemble each other. Kept for
    comparison.
    """

    name: ClassVar[str] = "interleave"

    def encode(self, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Turn an image `(C, X, Y, Z)` and a label map `(X, Y, Z)` into float32 `(1, X, Y, B Z)`."""
        return np.moveaxis(self.blocks.stack(image, mask), 0, -1).reshape(1, *self.grid)

    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turn `(1, X, Y, B Z)` back into the image `(C, X, Y, Z)` and mask scores `(L, X, Y, Z)`."""
        slices = array[0].reshape(*self.shape, self.blocks.count)
        return self.blocks.split(np.moveaxis(slices, -1, 0))
