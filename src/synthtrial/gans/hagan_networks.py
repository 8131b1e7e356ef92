"""The networks of HA-GAN (Sun et al., IEEE JBHI 2022), named as in the paper: G^A, G^H, G^L, D^H, D^L, E^H, E^G.

Each halving of the image size leaves one stage out: an upsampling in G^A, the first convolution of each discriminator
and of E^G. At 256 and 128 these are the published layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from synthtrial.gans.layers import UpsampledConv, group_norm

Bound = Callable[[nn.Module], nn.Module]

SIZES = (32, 64, 128, 256)
START = 4
"""Side of the first grid of G^A, voxels."""
LATENT_STRIDE = 4
"""The latent volume and the low-resolution image have a quarter of the image's size."""


def slab_depth(size: int) -> int:
    """Slices of a slab, which has full height and width: an eighth of the volume's, but at least 16."""
    return max(size // 8, 16)


def stages(size: int) -> int:
    """Stages that a size has more than 32^3 has: 0 at 32, 3 at 256."""
    return SIZES.index(size)


class Generator(nn.Module):
    """G^A makes a latent volume from noise; G^H turns it, or a slab of it, into the image, G^L into a small image.

    Args:
        size: side of the image, voxels.
        image_channels: channels C of the image.
        latent: length of the noise vector.
        width: channels W of the latent volume, 64 as published; the others follow in proportion.
    """

    def __init__(self, size: int, image_channels: int, latent: int, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(latent, 8 * width * START**3)
        channels = [8 * width, 8 * width, 8 * width, 4 * width, 2 * width, width]
        self.trunk = nn.Sequential(*_trunk(channels, upsamplings=stages(size) + 1))
        self.high = nn.Sequential(
            UpsampledConv(3, width, width // 2),
            group_norm(width // 2),
            nn.ReLU(inplace=True),
            UpsampledConv(3, width // 2, image_channels),
            nn.Tanh(),
        )
        self.low = nn.Sequential(
            *_normed(nn.Conv3d(width, width // 2, 3, padding=1)),
            *_normed(nn.Conv3d(width // 2, width // 4, 3, padding=1)),
            nn.Conv3d(width // 4, image_channels, 3, padding=1),
            nn.Tanh(),
        )

    def latent_volume(self, noise: Tensor) -> Tensor:
        """G^A: `(B, latent) -> (B, W, size/4, size/4, size/4)`."""
        return self.trunk(self.dense(noise).unflatten(1, (-1, START, START, START)))

    def forward(self, noise: Tensor) -> Tensor:
        """The whole image `(B, C, size, size, size)` in [-1, 1]."""
        return self.high(self.latent_volume(noise))


class Discriminator(nn.Module):
    """D^H judges a slab, told where it lies; D^L judges the low-resolution image.

    Args:
        size: side of the image, voxels.
        image_channels: channels C of the image.
        width: as the generator's.
        outputs: K numbers that each of the two gives: a logit, then one per class where there are classes.
        spectral_norm: bound every layer's Lipschitz constant by 1 (Miyato et al. 2018, arXiv 1802.05957).
    """

    def __init__(
        self, size: int, image_channels: int, width: int, *, outputs: int = 1, spectral_norm: bool = True
    ) -> None:
        super().__init__()
        slab = [channels * width // 64 for channels in (16, 32, 64, 128, 256, 512)][3 - stages(size) :]
        whole = [channels * width // 64 for channels in (32, 64, 128, 256)][3 - stages(size) :]
        features = 2 * width
        bound: Bound = parametrizations.spectral_norm if spectral_norm else nn.Identity()
        self.high = nn.Sequential(
            *_judging([image_channels, *slab, features], slab_depth(size), bound), nn.LeakyReLU(0.2), nn.Flatten()
        )
        low = _judging([image_channels, *whole, outputs], size // LATENT_STRIDE, bound)
        self.low = nn.Sequential(*low, nn.Flatten())
        self.position = nn.Sequential(
            bound(nn.Linear(features + 1, width)), nn.LeakyReLU(0.2), bound(nn.Linear(width, outputs))
        )
        self.last_start = size - slab_depth(size)

    def judge_slab(self, slab: Tensor, start: int) -> Tensor:
        """D^H: a slab `(B, C, slab, size, size)` that starts at a voxel, to `(B, K)`."""
        features = self.high(slab)
        position = features.new_full((len(features), 1), start / self.last_start)
        return self.position(torch.cat([features, position], dim=1))

    def forward(self, slab: Tensor, low: Tensor, start: int) -> Tensor:
        """The mean of D^H's and D^L's outputs, `(B, K)`.

        Args:
            slab: `(B, C, slab, size, size)`.
            low: `(B, C, size/4, size/4, size/4)`.
            start: first slice of the slab, voxels.
        """
        return (self.judge_slab(slab, start) + self.low(low)) / 2


class EncoderHigh(nn.Sequential):
    """E^H: a slab `(B, C, s, size, size)` to its part of the latent volume, `(B, W, s/4, size/4, size/4)`."""

    def __init__(self, image_channels: int, width: int) -> None:
        super().__init__(
            *_normed(nn.Conv3d(image_channels, width // 2, 4, stride=2, padding=1)),
            *_normed(nn.Conv3d(width // 2, width // 2, 3, padding=1)),
            *_normed(nn.Conv3d(width // 2, width, 4, stride=2, padding=1)),
        )


class EncoderGlobal(nn.Sequential):
    """E^G: the latent volume `(B, W, size/4, size/4, size/4)` to a noise vector `(B, latent)`."""

    def __init__(self, size: int, latent: int, width: int) -> None:
        last = [channels * width // 64 for channels in (32, 64, 128, 256)][3 - stages(size) :]
        layers = [
            layer
            for before, after in pairwise([width, *last])
            for layer in _normed(nn.Conv3d(before, after, 4, stride=2, padding=1))
        ]
        super().__init__(*layers, nn.Conv3d(last[-1], latent, 4), nn.Flatten())


def _trunk(channels: Sequence[int], upsamplings: int) -> list[nn.Module]:
    """Convolutions with GroupNorm and ReLU; the second and the ones after it double the grid, as often as asked."""
    layers: list[nn.Module] = []
    for index, (before, after) in enumerate(pairwise(channels)):
        doubled = 1 <= index <= upsamplings
        conv = UpsampledConv(3, before, after) if doubled else nn.Conv3d(before, after, 3, padding=1)
        layers += [conv, group_norm(after), nn.ReLU(inplace=True)]
    return layers


def _normed(conv: nn.Conv3d) -> tuple[nn.Module, ...]:
    return conv, group_norm(conv.out_channels), nn.ReLU(inplace=True)


def _judging(channels: Sequence[int], depth: int, bound: Bound) -> list[nn.Module]:
    """Convolutions that halve height and width, and depth while there is any, down to one voxel.

    Args:
        channels: of the input, then after each convolution.
        depth: slices of the input, voxels.
        bound: what is done to every layer, such as spectral norm.
    """
    layers: list[nn.Module] = []
    for before, after in pairwise(channels[:-1]):
        kernel = 4 if depth > 4 else min(depth, 2)
        conv = nn.Conv3d(before, after, (kernel, 4, 4), stride=(min(depth, 2), 2, 2), padding=(kernel // 4, 1, 1))
        layers += [bound(conv), nn.LeakyReLU(0.2, inplace=True)]
        depth = max(depth // 2, 1)
    return [*layers, bound(nn.Conv3d(channels[-2], channels[-1], (depth, 4, 4)))]
