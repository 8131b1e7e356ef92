"""PatchGAN: a discriminator that judges every patch of an image (Isola et al. 2017, arXiv 1611.07004, 3.2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from synthtrial.errors import ConfigError
from synthtrial.gans.image_to_image import normalisation
from synthtrial.gans.layers import CONVOLUTIONS

PATCH = {1: 16, 2: 34, 3: 70}
"""Side of the patch that one logit sees, voxels, by the number of halving layers; 3 is the published "70 x 70"."""


class PatchDiscriminator(nn.Sequential):
    """Convolutions with kernels of 4: `layers` that halve the grid, one that doesn't, then one logit per patch.

    Channels double from layer to layer, up to eight times `width`. The first layer and the last have no
    normalisation. An image `(B, C, *spatial)` gives logits `(B, 1, *patches)`.

    Args:
        size: the image's length per axis, voxels.
        image_channels: channels C of the image.
        width: channels after the first layer; 64 as published.
        layers: halving layers; None for as many, up to the published 3, as keep the patch within the image.
        norm: `instance` or `batch`.

    Raises:
        ConfigError: when the image is too small for so many layers.
    """

    def __init__(self, size: Sequence[int], image_channels: int, *, width: int, layers: int | None, norm: str) -> None:
        count = fitting_layers(size) if layers is None else layers
        if count < 1 or min(size) // 2**count < 3:
            raise ConfigError(
                f"discriminator.layers={count} can't judge images of {list(size)} voxels: it must be at least 1, and "
                "every axis at least 3 * 2^layers long; null chooses"
            )
        dims, channels = len(size), [width * min(2**level, 8) for level in range(count + 1)]
        conv = CONVOLUTIONS[dims]
        stages: list[nn.Module] = [conv(image_channels, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for (before, after), stride in zip(pairwise(channels), [2] * (count - 1) + [1], strict=True):
            stages += [
                conv(before, after, 4, stride, 1, bias=norm != "batch"),
                normalisation(norm, dims, after),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        super().__init__(*stages, conv(channels[-1], 1, 4, 1, 1))


def fitting_layers(size: Sequence[int]) -> int:
    """The most halving layers whose patch is no longer than the shortest axis."""
    return max((layers for layers, patch in PATCH.items() if patch <= min(size)), default=1)
