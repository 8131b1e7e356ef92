"""What every representation has in common."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from synthtrial.errors import ConfigError


class Representation(Protocol):
    """Turns a case into the array a generator sees, and back to the same values.

    It is built from `labels` (names of the L labels; `labels[k]` has the mask value `k + 1`), `image_channels` (C) and
    `shape` (of a case, voxels), and from keyword settings of its own.

    Attributes:
        channels: channels of the array.
        mask_channels: how many of the last channels are masks, each with 1 inside and -1 outside; 0 where masks and
            image share channels.
        grid: spatial shape of the array, voxels; a volume may become a 2D array.
    """

    channels: int
    mask_channels: int
    grid: tuple[int, ...]

    def encode(self, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Turn an image `(C, *shape)` in [-1, 1] and a label map `(*shape)` into float32 `(channels, *grid)`."""
        ...

    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turn `(channels, *grid)` back into the image `(C, *shape)` and mask scores `(L, *shape)`, one per label."""
        ...


def require_volume(name: str, shape: tuple[int, ...]) -> None:
    """Raise a ConfigError unless a case has three axes."""
    if len(shape) != 3:
        raise ConfigError(
            f"representation: {name} rearranges the slices of volumes, but a case of this cohort is "
            f"{'x'.join(map(str, shape))} ({len(shape)}D): choose channels or image_only"
        )
