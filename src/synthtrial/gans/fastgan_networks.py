"""The two networks of FastGAN (Liu et al. 2021, arXiv 2101.04775), in 2D and 3D; levels are those of fastgan_levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from synthtrial.gans.fastgan_blocks import ADAPTIVE, DownBlock, GatedConv, SkipLayerExcitation, UpBlock, activated, conv
from synthtrial.gans.fastgan_levels import Grid, discriminator_channels, generator_channels, grids_of, low_level
from synthtrial.gans.layers import BATCH_NORMS, TRANSPOSED


class Generator(nn.Module):
    """Noise to an image and its low-resolution copy.

    A transposed convolution makes the start grid, blocks of nearest upsampling double it, and skip-layer excitations
    join grids that are four levels apart; in images below 64 voxels, the start grid and the image.

    Args:
        size: the image's length per axis, voxels.
        image_channels: channels C of the image.
        latent: length of the noise vector.
        width: channels at level 5.
    """

    def __init__(self, size: Sequence[int], image_channels: int, latent: int, width: int) -> None:
        super().__init__()
        dims, grids = len(size), grids_of(size)
        last = len(grids) - 1
        channels = [generator_channels(width, level) for level in range(last + 1)]
        self.low = low_level(last)
        self.reach = min(4, last)
        self.start = nn.Sequential(
            nn.Unflatten(1, (latent, *[1] * dims)),
            spectral_norm(TRANSPOSED[dims](latent, 2 * channels[0], grids[0], bias=False)),  # type: ignore[arg-type]
            BATCH_NORMS[dims](2 * channels[0]),
            nn.GLU(dim=1),
        )
        self.blocks = nn.ModuleList(
            UpBlock(dims, channels[level - 1], channels[level], grids[level], noisy=level % 2 == 1)
            for level in range(1, last + 1)
        )
        self.skips = nn.ModuleList(
            SkipLayerExcitation(dims, channels[level], channels[level + self.reach])
            for level in range(min(4, last + 1 - self.reach))
        )
        self.to_image = nn.Sequential(conv(dims, channels[last], image_channels, kernel=3, padding=1), nn.Tanh())
        self.to_low = nn.Sequential(conv(dims, channels[self.low], image_channels, kernel=1), nn.Tanh())

    def forward(self, noise: Tensor, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Images `(B, C, *size)` and `(B, C, *low)` in [-1, 1] from noise `(B, latent)`.

        Args:
            noise: what tells one image from another.
            rng: what the noise within the layers is drawn from; None for torch's global random numbers.
        """
        features = [self.start(noise)]
        for level, block in enumerate(self.blocks, start=1):
            grown = block(features[-1], rng)
            if 0 <= level - self.reach < len(self.skips):
                grown = self.skips[level - self.reach](features[level - self.reach], grown)
            features.append(grown)
        return self.to_image(features[-1]), self.to_low(features[self.low])


class Features(NamedTuple):
    """What the discriminator judges and reconstructs images from."""

    middle: Tensor
    """Of the whole image, at level 2."""
    full: Tensor
    """Of the whole image, at level 1."""
    low: Tensor
    """Of the low-resolution image, at level 1."""


class Discriminator(nn.Module):
    """Logits of patches of an image and of its low-resolution copy, and three decoders that reconstruct both.

    The whole image is brought to level 6 or its own, if lower; residual blocks reduce it to level 1, and skip-layer
    excitations join grids that are three levels apart. The decoders work at the size of the low-resolution image.

    Args:
        size: the image's length per axis, voxels.
        image_channels: channels C of the image.
        width: channels at level 4.
    """

    def __init__(self, size: Sequence[int], image_channels: int, width: int) -> None:
        super().__init__()
        dims, grids = len(size), grids_of(size)
        last = len(grids) - 1
        self.top = min(last, 6)
        self.reach = min(3, self.top - 1)
        channels = [discriminator_channels(width, level) for level in range(last + 1)]
        self.stem = reduction(dims, image_channels, channels, last, self.top)
        self.blocks = nn.ModuleList(
            DownBlock(dims, channels[level + 1], channels[level]) for level in range(self.top - 1, 0, -1)
        )
        self.skips = nn.ModuleDict(
            {
                str(level): SkipLayerExcitation(dims, channels[level + self.reach], channels[level])
                for level in range(1, self.top - self.reach + 1)
            }
        )
        self.judge_full = nn.Sequential(
            activated(dims, channels[1], 2 * channels[1], kernel=1), conv(dims, 2 * channels[1], 1, kernel=4)
        )
        low_channels = [discriminator_channels(width / 2, level) for level in range(low_level(last) + 1)]
        self.low_stem = reduction(dims, image_channels, low_channels, low_level(last), 1)
        self.judge_low = conv(dims, low_channels[1], 1, kernel=4)
        decoded = grids[1 : low_level(last) + 1]
        self.decode_full = Decoder(decoded, channels[1], image_channels, width / 2)
        self.decode_part = Decoder(decoded, channels[2], image_channels, width / 2)
        self.decode_low = Decoder(decoded, low_channels[1], image_channels, width / 2)

    def forward(self, image: Tensor, low: Tensor) -> Tensor:
        """Logits `(B, patches)` of images `(B, C, *size)` and `(B, C, *low)`."""
        return self.logits(self.features(image, low))

    def features(self, image: Tensor, low: Tensor) -> Features:
        """The features of images `(B, C, *size)` and `(B, C, *low)`."""
        by_level = {self.top: self.stem(image)}
        for level, block in zip(range(self.top - 1, 0, -1), self.blocks, strict=True):
            by_level[level] = block(by_level[level + 1])
            if str(level) in self.skips:
                by_level[level] = self.skips[str(level)](by_level[level + self.reach], by_level[level])
        return Features(by_level[2], by_level[1], self.low_stem(low))

    def logits(self, features: Features) -> Tensor:
        """Logits `(B, patches)`, first those of the whole image, then those of the low-resolution image."""
        return torch.cat([self.judge_full(features.full).flatten(1), self.judge_low(features.low).flatten(1)], dim=1)

    def reconstruct(self, features: Features, corner: Sequence[bool]) -> tuple[Tensor, Tensor, Tensor]:
        """The whole image, the part of it at a corner, and the low-resolution image, each `(B, C, *low)`."""
        part = part_at(features.middle, corner)
        return self.decode_full(features.full), self.decode_part(part), self.decode_low(features.low)


class Decoder(nn.Sequential):
    """Features, brought to the first of some grids, to an image `(B, C, *grids[-1])` in [-1, 1].

    Args:
        grids: those of level 1 and the levels after it.
        before: channels of the features.
        image_channels: channels C of the image.
        width: channels at level 5.
    """

    def __init__(self, grids: Sequence[Grid], before: int, image_channels: int, width: float) -> None:
        dims = len(grids[0])
        layers: list[nn.Module] = [ADAPTIVE[dims](grids[0])]
        for level, grid in enumerate(grids[1:], start=2):
            after = generator_channels(width, level)
            layers.append(GatedConv(dims, before, after, grid, enlarge=True, noisy=False))
            before = after
        super().__init__(*layers, conv(dims, before, image_channels, kernel=3, padding=1), nn.Tanh())


def reduction(dims: int, image_channels: int, channels: Sequence[int], first: int, last: int) -> nn.Sequential:
    """Strided convolutions from an image at level `first` to level `last`; a plain one where these are the same."""
    if first == last:
        return activated(dims, image_channels, channels[last], kernel=3, norm=False)
    layers = [activated(dims, image_channels, channels[first - 1], kernel=4, stride=2, norm=False)]
    for level in range(first - 2, last - 1, -1):
        layers.append(activated(dims, channels[level + 1], channels[level], kernel=4, stride=2))
    return nn.Sequential(*layers)


def part_at(images: Tensor, corner: Sequence[bool]) -> Tensor:
    """Half of `(B, C, *spatial)` along each axis, at its end where `corner` says so: a quarter in 2D."""
    halves = [slice(n - n // 2, n) if end else slice(n // 2) for n, end in zip(images.shape[2:], corner, strict=True)]
    return images[(..., *halves)]
