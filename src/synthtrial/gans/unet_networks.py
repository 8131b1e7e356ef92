"""A U-Net from a noise volume to an image, and a discriminator of the same downward blocks; for any image size."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from synthtrial.errors import ConfigError
from synthtrial.gans.dcgan_networks import normalisation
from synthtrial.gans.layers import CONVOLUTIONS

Grid = tuple[int, ...]


class UNet(nn.Module):
    """Blocks down, as many blocks up, and a skip from each grid to the other side of the U; tanh at the end.

    A block down halves every axis longer than 2 voxels, rounding up, see `grids`. A block up repeats voxels to exactly
    the grid on the other side, then convolves. So any size works, odd ones included, and there can be more blocks than
    halvings. Kernels are 3 wide. The first and the last block have no normalisation, the last has no dropout.

    Args:
        size: the image's length per axis, voxels.
        image_channels: channels C of the image.
        latent: channels of the noise volume.
        blocks: blocks down, and as many up.
        width: channels after the first block down; each further one doubles them.
        max_channels: but no more than these.
        norm: `batch`, `group` or null, before activations.
        dropout: share of features dropped by the blocks up.

    Attributes:
        grids: the image size, then the grid after each block down.
    """

    def __init__(
        self,
        size: Sequence[int],
        image_channels: int,
        latent: int,
        *,
        blocks: int,
        width: int,
        max_channels: int,
        norm: str | None,
        dropout: float,
    ) -> None:
        check_dropout("generator", dropout)
        super().__init__()
        self.grids = grids(size, blocks)
        channels = doubling(blocks, width, max_channels)
        self.down = downward_blocks(self.grids, latent, channels, norm)
        self.up = nn.ModuleList()
        before = channels[-1]
        for grid, after in zip(self.grids[-2:0:-1], channels[-2::-1], strict=True):
            self.up.append(upward_block(grid, before, after, norm, dropout))
            before = 2 * after  # the block's own features, and those that skip to it
        convolution = CONVOLUTIONS[len(size)](before, image_channels, kernel_size=3, padding=1)
        self.last = nn.Sequential(nn.Upsample(size=self.grids[0]), convolution, nn.Tanh())

    def forward(self, noise: Tensor) -> Tensor:
        """Images `(B, C, *spatial)` in [-1, 1] from noise `(B, latent, *spatial)`."""
        features, skips = noise, []
        for block in self.down:
            features = block(features)
            skips.append(features)
        for block, skip in zip(self.up, skips[-2::-1], strict=True):
            features = torch.cat([block(features), skip], dim=1)
        return self.last(features)


class Discriminator(nn.Sequential):
    """The U-Net's blocks down, then one dense layer to a logit `(B, 1)`.

    Args:
        size: the image's length per axis, voxels.
        image_channels: channels C of the image.
        blocks: blocks down.
        width: channels after the first block; each further one doubles them.
        max_channels: but no more than these.
        norm: `batch`, `group` or null, before activations; the first block has none.
        dropout: share of features dropped before the dense layer.
        spectral_norm: bound every layer's Lipschitz constant by 1 (Miyato et al. 2018, arXiv 1802.05957).
    """

    def __init__(
        self,
        size: Sequence[int],
        image_channels: int,
        *,
        blocks: int,
        width: int,
        max_channels: int,
        norm: str | None,
        dropout: float,
        spectral_norm: bool,
    ) -> None:
        check_dropout("discriminator", dropout)
        sizes, channels = grids(size, blocks), doubling(blocks, width, max_channels)
        dense = nn.Linear(channels[-1] * prod(sizes[-1]), 1)
        super().__init__(
            *downward_blocks(sizes, image_channels, channels, norm), nn.Flatten(), nn.Dropout(dropout), dense
        )
        if spectral_norm:
            for layer in list(self.modules()):
                if isinstance(layer, (nn.Linear, *CONVOLUTIONS.values())):
                    parametrizations.spectral_norm(layer)


def grids(size: Sequence[int], blocks: int) -> list[Grid]:
    """The image size, and the size after each block down, which halves every axis longer than 2 voxels, rounding up.

    Grids never shrink to one voxel, so that batch norm has something to average over even in a batch of one.

    Raises:
        ConfigError: for less than one block.
    """
    if blocks < 1:
        raise ConfigError(f"blocks={blocks} must be at least 1")
    found: list[Grid] = [tuple(size)]
    for _ in range(blocks):
        found.append(tuple((n + 1) // 2 if n > 2 else n for n in found[-1]))
    return found


def doubling(blocks: int, width: int, max_channels: int) -> list[int]:
    """Channels after each block down."""
    return [min(width * 2**level, max_channels) for level in range(blocks)]


def downward_blocks(
    sizes: Sequence[Grid], channels_in: int, channels: Sequence[int], norm: str | None
) -> nn.ModuleList:
    """Strided convolutions from grid to grid, each with its norm, but for the first, and LeakyReLU 0.2."""
    dims, blocks = len(sizes[0]), nn.ModuleList()
    for (larger, smaller), (before, after) in zip(pairwise(sizes), pairwise([channels_in, *channels]), strict=True):
        stride = tuple(1 if n == m else 2 for n, m in zip(larger, smaller, strict=True))
        convolution = CONVOLUTIONS[dims](before, after, 3, stride, padding=1)  # type: ignore[arg-type]
        normed = normalisation(norm if len(blocks) else None, dims, after)
        blocks.append(nn.Sequential(convolution, *normed, nn.LeakyReLU(0.2)))
    return blocks


def upward_block(grid: Grid, before: int, after: int, norm: str | None, dropout: float) -> nn.Sequential:
    """Repeat voxels up to a grid, then a convolution with its norm, dropout and ReLU."""
    dims = len(grid)
    convolution = CONVOLUTIONS[dims](before, after, kernel_size=3, padding=1)
    return nn.Sequential(
        nn.Upsample(size=grid), convolution, *normalisation(norm, dims, after), nn.Dropout(dropout), nn.ReLU()
    )


def check_dropout(name: str, dropout: float) -> None:
    """Raise a ConfigError for a share outside [0, 1)."""
    if not 0 <= dropout < 1:
        raise ConfigError(f"{name}.dropout={dropout} must lie in [0, 1)")
