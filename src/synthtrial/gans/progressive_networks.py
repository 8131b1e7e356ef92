"""The two networks that grow (Karras et al. 2018, arXiv 1710.10196, section 2 and table 2), in 2D and 3D.

How far they have grown is a number from 0, the coarsest grid, to their number of doublings, full size; in between, the
newest layers fade in: at 2.3 those of the third doubling weigh 0.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, prod, sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

from synthtrial.gans.layers import CONVOLUTIONS, TRANSPOSED, UpsampledConv

POOLS = {2: F.avg_pool2d, 3: F.avg_pool3d}
HE = sqrt(2)
"""Gain of a layer before a ReLU (He et al. 2015, arXiv 1502.01852, equation 10)."""


class Generator(nn.Module):
    """From noise to a grid of 4 to 7 voxels along its shortest axis, then a block of two convolutions per doubling.

    Every grid has its own convolution to an image. After each other layer the features of every voxel are normalised.

    Args:
        grid: the coarsest grid's length per axis, voxels.
        image_channels: channels C of the image.
        latent: length of the noise vector.
        channels: of the coarsest grid and of each one after it.

    Attributes:
        grown: how far it has grown, a buffer, so that its average and its file know.
    """

    grown: Tensor

    def __init__(self, grid: Sequence[int], image_channels: int, latent: int, channels: Sequence[int]) -> None:
        super().__init__()
        dims = len(grid)
        self.start = nn.Sequential(
            PixelNorm(),
            nn.Unflatten(1, (latent, *[1] * dims)),
            equalised(TRANSPOSED[dims](latent, channels[0], tuple(grid)), fan_in=latent),  # type: ignore[arg-type]
            *_activated(),
            *_normed(dims, channels[0], channels[0]),
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(_doubled(dims, before, after), *_activated(), *_normed(dims, after, after))
            for before, after in pairwise(channels)
        )
        self.to_image = nn.ModuleList(
            equalised(CONVOLUTIONS[dims](count, image_channels, kernel_size=1), gain=1.0) for count in channels
        )
        self.register_buffer("grown", torch.tensor(float(len(channels) - 1)))

    def forward(self, noise: Tensor, grown: float) -> Tensor:
        """Images `(B, C, *spatial)` of the size grown to from noise `(B, latent)`; not bounded."""
        level = ceil(grown)
        features = coarser = self.start(noise)
        for block in self.blocks[:level]:
            features, coarser = block(features), features
        image = self.to_image[level](features)
        if grown == level:
            return image
        return torch.lerp(doubled(self.to_image[level - 1](coarser)), image, grown - level + 1)


class Discriminator(nn.Module):
    """The generator's mirror image: from each grid's image to its features, and down to a logit `(B, 1)`.

    Args:
        grid: the coarsest grid's length per axis, voxels.
        image_channels: channels C of the image.
        channels: of the coarsest grid and of each one after it.
    """

    def __init__(self, grid: Sequence[int], image_channels: int, channels: Sequence[int]) -> None:
        super().__init__()
        dims = len(grid)
        self.from_image = nn.ModuleList(
            nn.Sequential(equalised(CONVOLUTIONS[dims](image_channels, count, kernel_size=1)), nn.LeakyReLU(0.2))
            for count in channels
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(*_convolved(dims, after, after), *_convolved(dims, after, before), Halving())
            for before, after in pairwise(channels)
        )
        self.end = nn.Sequential(
            MinibatchDeviation(),
            *_convolved(dims, channels[0] + 1, channels[0]),
            nn.Flatten(),
            equalised(nn.Linear(channels[0] * prod(grid), channels[0])),
            nn.LeakyReLU(0.2),
            equalised(nn.Linear(channels[0], 1), gain=1.0),
        )

    def forward(self, images: Tensor, grown: float) -> Tensor:
        """Logits `(B, 1)` of images `(B, C, *spatial)` of the size grown to; one batch is all real or all fake."""
        level = ceil(grown)
        features = self.from_image[level](images)
        for index in range(level, 0, -1):
            features = self.blocks[index - 1](features)
            if index == level and grown < level:
                coarse = self.from_image[level - 1](halved(images))
                features = torch.lerp(coarse, features.to(coarse.dtype), grown - level + 1)
        return self.end(features)


class PixelNorm(nn.Module):
    """Give every voxel's features `(B, C, *spatial)` a mean square of 1 (section 4.2)."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


class MinibatchDeviation(nn.Module):
    """One more channel: how much the batch's features differ, on average over channels and voxels (section 3)."""

    def forward(self, x: Tensor) -> Tensor:
        deviation = torch.sqrt(x.float().var(dim=0, correction=0) + 1e-8).mean().to(x.dtype)
        return torch.cat([x, deviation.expand(len(x), 1, *x.shape[2:])], dim=1)


class Halving(nn.Module):
    """Average over 2 voxels along each axis."""

    def forward(self, x: Tensor) -> Tensor:
        return halved(x)


class Scale(nn.Module):
    """What makes a layer's learning rate equal to that of all others: see `equalised`."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, weight: Tensor) -> Tensor:
        return self.factor * weight


def equalised(layer: nn.Module, gain: float = HE, fan_in: int | None = None) -> nn.Module:
    """Keep a layer's weights at unit variance, and scale them by He's constant when they are used (section 4.1).

    So Adam's steps, which don't depend on the gradient's scale, are alike relative to the weights in every layer.

    Args:
        layer: a dense layer or a convolution with a bias.
        gain: what the weights' deviation times the root of fan_in comes to.
        fan_in: inputs that an output depends on; None to count them in the weight.
    """
    assert isinstance(layer.weight, Tensor) and isinstance(layer.bias, Tensor)
    nn.init.normal_(layer.weight)
    nn.init.zeros_(layer.bias)
    scale = Scale(gain / sqrt(fan_in or layer.weight[0].numel()))
    return parametrize.register_parametrization(layer, "weight", scale)


def doubled(images: Tensor) -> Tensor:
    """Nearest enlargement by 2 of `(B, C, *spatial)`."""
    return F.interpolate(images, scale_factor=2.0, mode="nearest")


def halved(images: Tensor) -> Tensor:
    """Reduction of `(B, C, *spatial)` by 2, as averages."""
    return POOLS[images.dim() - 2](images, 2)


def at_size(images: Tensor, grown: float, doublings: int) -> Tensor:
    """Real images as a generator that has grown this far would make them: small, with the finest detail faded in."""
    level = ceil(grown)
    small = POOLS[images.dim() - 2](images, 2 ** (doublings - level))
    return small if grown == level else torch.lerp(doubled(halved(small)), small, grown - level + 1)


def _doubled(dims: int, before: int, after: int) -> UpsampledConv:
    layer = UpsampledConv(dims, before, after)
    equalised(layer.conv)
    return layer


def _convolved(dims: int, before: int, after: int) -> tuple[nn.Module, ...]:
    return equalised(CONVOLUTIONS[dims](before, after, kernel_size=3, padding=1)), nn.LeakyReLU(0.2)


def _normed(dims: int, before: int, after: int) -> tuple[nn.Module, ...]:
    return *_convolved(dims, before, after), PixelNorm()


def _activated() -> tuple[nn.Module, ...]:
    return nn.LeakyReLU(0.2), PixelNorm()
