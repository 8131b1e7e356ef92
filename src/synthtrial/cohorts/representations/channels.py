"""Image and mask side by side, as channels of one array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthtrial.errors import ConfigError

BACKGROUND = -1.0
"""What padding holds: the lowest intensity, and no label."""


class Channels:
    """The image's channels, then one channel per label with 1 inside and -1 outside, padded around the centre.

    Args:
        labels: names of the mask labels; `labels[k]` has the mask value `k + 1`.
        image_channels: channels C of the image.
        shape: spatial shape of a case, voxels.
        padded_shape: spatial shape that the generator makes, voxels; no axis smaller than the case's.

    Attributes:
        channels: `C + len(labels)`.

    Raises:
        ConfigError: when the padded shape can't hold the shape.
    """

    def __init__(
        self, labels: Sequence[str], image_channels: int, shape: Sequence[int], padded_shape: Sequence[int]
    ) -> None:
        self.labels = list(labels)
        self.image_channels = image_channels
        self.shape = tuple(shape)
        self.padded_shape = tuple(padded_shape)
        self.channels = image_channels + len(self.labels)
        if len(self.shape) != len(self.padded_shape) or any(np.less(self.padded_shape, self.shape)):
            raise ConfigError(
                f"an array of {_text(self.padded_shape)} voxels can't hold a case of {_text(self.shape)}: "
                "choose a larger image_size for the generator, or a smaller prepare.shape"
            )
        before = [(padded - size) // 2 for size, padded in zip(self.shape, self.padded_shape, strict=True)]
        self._inside = tuple(slice(start, start + size) for start, size in zip(before, self.shape, strict=True))

    def encode(self, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Turn an image `(C, *shape)` and a label map `(*shape)` into float32 `(channels, *padded_shape)`."""
        array = np.full((self.channels, *self.padded_shape), BACKGROUND, np.float32)
        inside = array[(slice(None), *self._inside)]
        inside[: self.image_channels] = image
        for index in range(len(self.labels)):
            inside[self.image_channels + index][mask == index + 1] = 1.0
        return array

    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cut `(channels, *padded_shape)` back to the image `(C, *shape)` and mask scores `(L, *shape)` in [-1, 1]."""
        inside = array[(slice(None), *self._inside)]
        return inside[: self.image_channels], inside[self.image_channels :]


def _text(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
