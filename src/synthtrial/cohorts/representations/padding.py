"""Fitting a representation's array to the size that a generator makes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthtrial.cohorts.representations.representation import Representation
from synthtrial.errors import ConfigError

BACKGROUND = -1.0
"""What padding holds: the lowest intensity, and no label."""


class Padded:
    """A representation whose arrays are padded about their centre with -1, and cut back before they are decoded.

    Args:
        representation: makes the arrays.
        padded_shape: spatial shape that the generator makes, voxels; no axis smaller than the array's.

    Attributes:
        channels, mask_channels: those of the representation.
        grid: the padded shape.

    Raises:
        ConfigError: when the padded shape can't hold the array.
    """

    def __init__(self, representation: Representation, padded_shape: Sequence[int]) -> None:
        self.representation = representation
        self.channels, self.mask_channels = representation.channels, representation.mask_channels
        self.grid = tuple(padded_shape)
        inner = representation.grid
        if len(inner) != len(self.grid) or any(np.less(self.grid, inner)):
            raise ConfigError(
                f"an array of {_text(self.grid)} voxels can't hold a case of {_text(inner)}: "
                "choose a larger image_size for the generator, or a smaller prepare.shape"
            )
        before = [(padded - size) // 2 for size, padded in zip(inner, self.grid, strict=True)]
        self._inside = (slice(None), *(slice(b, b + size) for b, size in zip(before, inner, strict=True)))

    def encode(self, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Turn an image `(C, *shape)` and a label map `(*shape)` into float32 `(channels, *padded_shape)`."""
        padded = np.full((self.channels, *self.grid), BACKGROUND, np.float32)
        padded[self._inside] = self.representation.encode(image, mask)
        return padded

    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cut `(channels, *padded_shape)` back, and decode it to `(C, *shape)` and mask scores `(L, *shape)`."""
        return self.representation.decode(array[self._inside])


def _text(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
