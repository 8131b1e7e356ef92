"""The generator of StyleGAN2 (Karras et al. 2019, arXiv 1912.04958): mapping and synthesis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from synthtrial.errors import ConfigError
from synthtrial.gans.layers import halvings
from synthtrial.gans.precision import full_precision
from synthtrial.gans.stylegan2_layers import (
    EqualLinear,
    LearnedConstant,
    ModulatedConv,
    Noise,
    NoiseMode,
    leaky,
)
from synthtrial.gans.stylegan2_mapping import Mapping
from synthtrial.gans.stylegan2_resampling import binomial_filter, resampled

LARGEST_START = 512
"""Voxels of the start grid, at most: the discriminator's dense layer grows with them."""


class StyledConv(nn.Module):
    """Modulated convolution, noise, LeakyReLU: one layer of the synthesis network."""

    def __init__(
        self, dims: int, channels_in: int, channels_out: int, style: int, grid: tuple[int, ...], up: bool
    ) -> None:
        super().__init__()
        self.affine = EqualLinear(style, channels_in, bias=1.0)
        self.conv = ModulatedConv(dims, channels_in, channels_out, kernel=3, up=up)
        self.noise = Noise(grid)

    def forward(self, x: Tensor, w: Tensor, noise: NoiseMode, rng: torch.Generator | None) -> Tensor:
        """Map `(B, C_in, *S)`, styled by w `(B, style)`, to `(B, C_out, *S)`, or twice S."""
        return leaky(self.noise(self.conv(x, self.affine(w)), noise, rng))


class ToImage(nn.Module):
    """Features to the channels of the image, styled but not demodulated."""

    def __init__(self, dims: int, channels_in: int, image_channels: int, style: int) -> None:
        super().__init__()
        self.affine = EqualLinear(style, channels_in, bias=1.0)
        self.conv = ModulatedConv(dims, channels_in, image_channels, kernel=1, demodulate=False)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Map `(B, C, *S)`, styled by w `(B, style)`, to `(B, image_channels, *S)`."""
        return self.conv(x, self.affine(w))


class Synthesis(nn.Module):
    """From styles to an image: features double from a learned start grid; every grid adds to the image (skips).

    Args:
        grids: spatial shapes from the start grid to the image.
        channels: channels of the features at each of them.
        image_channels: channels C of the image.
        style: length of w.

    Attributes:
        layers: styles that an image takes, one per layer; the last layer of a grid shares its style with the next.
    """

    taps: Tensor

    def __init__(
        self, grids: Sequence[tuple[int, ...]], channels: Sequence[int], image_channels: int, style: int
    ) -> None:
        super().__init__()
        dims = len(grids[0])
        self.start = LearnedConstant(channels[0], grids[0])
        self.convs = nn.ModuleList([StyledConv(dims, channels[0], channels[0], style, grids[0], up=False)])
        for (before, after), grid in zip(pairwise(channels), grids[1:], strict=True):
            self.convs.append(StyledConv(dims, before, after, style, grid, up=True))
            self.convs.append(StyledConv(dims, after, after, style, grid, up=False))
        self.to_image = nn.ModuleList([ToImage(dims, width, image_channels, style) for width in channels])
        self.register_buffer("taps", binomial_filter(), persistent=False)
        self.layers = 2 * len(grids)

    def forward(self, w: Tensor, noise: NoiseMode = "random", rng: torch.Generator | None = None) -> Tensor:
        """Images `(B, C, *spatial)` from styles.

        Args:
            w: `(B, style)`, or one style per layer, `(B, layers, style)`.
            noise: `random`, fresh for every sample; `constant`, always the same; or `none`.
            rng: where random noise is drawn from; None for torch's global random numbers.
        """
        styles = w[:, None].expand(-1, self.layers, -1) if w.dim() == 2 else w
        x = self.convs[0](self.start(len(w)), styles[:, 0], noise, rng)
        image = self.to_image[0](x, styles[:, 1]).float()
        for level in range(1, len(self.to_image)):
            first = 2 * level - 1
            x = self.convs[first](x, styles[:, first], noise, rng)
            x = self.convs[first + 1](x, styles[:, first + 1], noise, rng)
            with full_precision(x.device):
                image = resampled(image, 2 * self.taps, padding=1, up=2)
            image = image + self.to_image[level](x, styles[:, first + 2])
        return image


class Generator(nn.Module):
    """Mapping and synthesis.

    Args:
        grids: spatial shapes from the start grid to the image.
        channels: channels of the features at each of them.
        image_channels: channels C of the image.
        latent: length of the noise vector z.
        style: length of w.
        mapping_layers: layers of the mapping.
        n_classes: classes that can be asked for.
    """

    def __init__(
        self,
        grids: Sequence[tuple[int, ...]],
        channels: Sequence[int],
        image_channels: int,
        *,
        latent: int,
        style: int,
        mapping_layers: int,
        n_classes: int = 0,
    ) -> None:
        super().__init__()
        self.mapping = Mapping(latent, style, mapping_layers, n_classes)
        self.synthesis = Synthesis(grids, channels, image_channels, style)

    def forward(self, z: Tensor, label: Tensor | None = None, mixing: float = 0.0) -> Tensor:
        """Images `(B, C, *spatial)` from noise `(B, latent)`."""
        return self.synthesis(self.styles(z, label, mixing))

    def styles(self, z: Tensor, label: Tensor | None = None, mixing: float = 0.0) -> Tensor:
        """Styles `(B, layers, style)` for training, which follow the average style.

        Args:
            z: noise `(B, latent)`.
            label: index of each sample's class, -1 for none.
            mixing: how often the layers from a random one on take the styles of other noise (arXiv 1812.04948,
                section 3.1), drawn once per batch.
        """
        w = self.mapping(z, label=label)
        if self.training:
            self.mapping.track(w)
        layers = self.synthesis.layers
        styles = w[:, None].expand(-1, layers, -1)
        if float(torch.rand((), device="cpu")) >= mixing:
            return styles
        first = int(torch.randint(1, layers, (), device="cpu"))
        other = self.mapping(torch.randn_like(z), label=label)[:, None].expand(-1, layers - first, -1)
        return torch.cat([styles[:, :first], other], dim=1)


def pyramid(size: Sequence[int]) -> list[tuple[int, ...]]:
    """Shapes from the start grid to the image, each twice the one before; squares of a power of two start at 4x4.

    Raises:
        ConfigError: when the axes can't be halved down to a small grid.
    """
    count = halvings(size, smallest=3)
    start = tuple(length // 2**count for length in size)
    if count == 0 or math.prod(start) > LARGEST_START:
        raise ConfigError(
            f"image_size {list(size)} can be halved down to {'x'.join(map(str, start))} only, but StyleGAN2 doubles a "
            f"start grid of at most {LARGEST_START} voxels: choose multiples of 16, or of 32 or more for large images"
        )
    return [tuple(length * 2**level for length in start) for level in range(count + 1)]


def channels_at(grids: Sequence[tuple[int, ...]], base: int, most: int) -> list[int]:
    """Channels at each grid: `base` over its longest axis, but no more than `most`.

    Raises:
        ConfigError: when no channel would be left at full size.
    """
    longest = max(grids[-1])
    if base < longest or most < 1:
        raise ConfigError(
            f"channel_base={base} and channel_max={most} leave no channels at full size: take a channel_base of at "
            f"least {longest}, the image's longest axis"
        )
    return [min(base // max(grid), most) for grid in grids]
