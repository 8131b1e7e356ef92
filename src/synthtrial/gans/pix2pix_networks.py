"""Pix2Pix's generator, a U-Net (Isola et al. 2017, arXiv 1611.07004, appendix 6.1), and the networks of its masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthtrial.errors import ConfigError
from synthtrial.gans import dcgan_networks
from synthtrial.gans.dcgan import with_layers
from synthtrial.gans.image_to_image import doubling, normalisation
from synthtrial.gans.layers import CONVOLUTIONS, halvings

DEEPEST = 8
"""Halvings of the published U-Net, from 256 x 256 to 1 x 1."""
DROPPING = 3
"""Blocks up that drop features, the coarsest first, as published."""


class UNet(nn.Module):
    """Masks to images: blocks that halve the grid, as many that double it, and a skip between those of equal size.

    Kernels have a side of 4. Channels double from `width` at each halving, up to eight times as many. The first
    block and the coarsest one have no normalisation on the way down.

    Noise enters as channels beside the mask, one value per voxel, and as dropout, which is also on when sampling, as
    published.

    Args:
        size: the image's length per axis, voxels; a multiple of 2^depth.
        channels_in: channels of the mask.
        channels_out: channels of the image.
        width: channels after the first block; 64 as published.
        depth: halvings; None for as many, up to the published 8, as the size allows.
        norm: `batch` as published, or `instance`.
        upsampling: `transposed` convolutions as published, or `nearest` voxels then a convolution of kernel 3, which
            leaves no chequers.
        noise_channels: channels of noise beside the mask; 0 as published.
        dropout: share of features dropped in the three coarsest blocks up; 0.5 as published.

    Raises:
        ConfigError: when the size can't be halved so often.
    """

    def __init__(
        self,
        size: Sequence[int],
        channels_in: int,
        channels_out: int,
        *,
        width: int,
        depth: int | None,
        norm: str,
        upsampling: str,
        noise_channels: int,
        dropout: float,
    ) -> None:
        super().__init__()
        if noise_channels < 0 or not 0 <= dropout < 1:
            raise ConfigError(
                f"generator.noise_channels={noise_channels} must be at least 0, generator.dropout={dropout} in [0, 1)"
            )
        self.noise_channels = noise_channels
        count = checked_depth(size, depth)
        dims, channels = len(size), [width * min(2**level, 8) for level in range(count)]
        self.down = nn.ModuleList(
            [CONVOLUTIONS[dims](channels_in + noise_channels, width, 4, 2, 1, bias=norm != "batch")]
        )
        for level in range(1, count):
            self.down.append(_halved(dims, channels[level - 1], channels[level], norm, last=level == count - 1))
        self.up = nn.ModuleList()
        for level in reversed(range(1, count)):
            before = channels[level] * (1 if level == count - 1 else 2)
            share = dropout if count - 1 - level < DROPPING else 0.0
            self.up.append(_doubled(upsampling, dims, before, channels[level - 1], norm, share))
        last = doubling(upsampling, dims, width * 2, channels_out, kernel=4, bias=True)
        self.up.append(nn.Sequential(nn.ReLU(), last, nn.Tanh()))

    def forward(self, mask: Tensor, noise: Tensor) -> Tensor:
        """Images `(B, C, *spatial)` from masks `(B, L, *spatial)` and noise `(B, noise_channels, *spatial)`."""
        x, skips = torch.cat([mask, noise], dim=1), []
        for block in self.down:
            x = block(x)
            skips.append(x)
        x = self.up[0](skips.pop())
        for block in self.up[1:]:
            x = block(torch.cat([x, skips.pop()], dim=1))
        return x


class SteadyDropout(nn.Module):
    """Dropout that is on in evaluation, too: it is the generator's noise."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.share, training=True)


def checked_depth(size: Sequence[int], depth: int | None) -> int:
    """The number of halvings.

    Raises:
        ConfigError: when the size can't be halved so often, or not twice at least.
    """
    most = halvings(size, smallest=1)
    count = min(most, DEEPEST) if depth is None else depth
    if not 2 <= count <= most:
        raise ConfigError(
            f"Pix2Pix can't make image_size {list(size)} with generator.depth={depth}: every axis must be a multiple "
            "of 2^depth, with a depth of 2 at least; null takes any multiples of 4"
        )
    return count


def mask_networks(
    size: Sequence[int], channels: int, *, latent: int, width: int, max_channels: int
) -> tuple[dcgan_networks.Generator, dcgan_networks.Discriminator]:
    """A small DCGAN that makes masks from noise.

    Args:
        size: the mask's length per axis, voxels.
        channels: labels of the mask.
        latent: length of the noise vector.
        width: the generator's channels at full size; the discriminator starts with twice as many.
        max_channels: the most channels of either, on coarse grids.
    """

    def layers(name: str, first: int) -> dict[str, Any]:
        return with_layers({"width": first, "max_channels": max_channels}, name, size)

    generator = dcgan_networks.Generator(
        size,
        channels,
        latent,
        **layers("generator", width),
        upsampling="nearest",
        kernel=3,
        norm="group",
        bias=True,
        slope=0.2,
    )
    discriminator = dcgan_networks.Discriminator(
        size, channels, **layers("discriminator", 2 * width), kernel=4, slope=0.2, dropout=0.0, spectral_norm=True
    )
    return generator, discriminator


def _halved(dims: int, before: int, after: int, norm: str, last: bool) -> nn.Sequential:
    """A block down; the last one has no normalisation, since there may be a single voxel left."""
    conv = CONVOLUTIONS[dims](before, after, 4, 2, 1, bias=norm != "batch")
    return nn.Sequential(nn.LeakyReLU(0.2), conv, *([] if last else [normalisation(norm, dims, after)]))


def _doubled(upsampling: str, dims: int, before: int, after: int, norm: str, dropout: float) -> nn.Sequential:
    """A block up."""
    conv = doubling(upsampling, dims, before, after, kernel=4, bias=norm != "batch")
    drop = [SteadyDropout(dropout)] if dropout else []
    return nn.Sequential(nn.ReLU(), conv, normalisation(norm, dims, after), *drop)
