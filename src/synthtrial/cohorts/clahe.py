"""Contrast-limited adaptive histogram equalisation (Zuiderveld 1994, "Graphics Gems IV", p. 474), by scikit-image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthtrial.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class ClaheSettings:
    """How contrast is evened out; each key is explained in `conf/prepare/default.yaml`.

    Attributes:
        clip_limit: largest share of a tile's voxels in one of its 256 grey levels, 0 to 1; larger: more contrast.
        tiles: along each axis.
    """

    clip_limit: float = 0.01
    tiles: int = 8

    def __post_init__(self) -> None:
        if not 0 < self.clip_limit <= 1 or self.tiles < 1:
            raise ConfigError(
                "prepare.clahe: clip_limit must be above 0 and at most 1, and tiles at least 1, "
                f"but they are {self.clip_limit:g} and {self.tiles}"
            )


def equalise(image: np.ndarray, settings: ClaheSettings) -> np.ndarray:
    """Even out the contrast of each channel.

    Args:
        image: `(C, *spatial)` in [-1, 1].
        settings: how.

    Returns:
        float32 of the same shape, from -1 to 1 whatever the range before; a constant channel stays as it is.
    """
    from skimage.exposure import equalize_adapthist

    kernel = [max(1, side // settings.tiles) for side in image.shape[1:]]
    equalised = image.astype(np.float32)
    for channel in equalised:
        if np.ptp(channel):
            channel[...] = 2 * equalize_adapthist(0.5 * (channel + 1), kernel, settings.clip_limit) - 1
    return equalised.clip(-1, 1)
