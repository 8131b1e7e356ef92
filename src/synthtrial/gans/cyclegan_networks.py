"""CycleGAN's generator: a residual network between strided ends (Zhu et al. 2017, arXiv 1703.10593, section 7.2)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from synthtrial.errors import ConfigError
from synthtrial.gans.image_to_image import doubling, normalisation
from synthtrial.gans.layers import CONVOLUTIONS

HALVINGS = 2
"""How often the image is halved before the residual blocks, as published."""


class ResNetGenerator(nn.Sequential):
    """Images `(B, C, *spatial)` to images of the same shape in [-1, 1].

    A convolution to `width` channels, two that halve the grid and double the channels, residual blocks, two layers that
    double the grid, and a convolution to the image. Borders are mirrored where the grid stays.

    Args:
        size: the image's length per axis, voxels; a multiple of 4.
        image_channels: channels C of the image.
        width: channels at full size; 64 as published.
        blocks: residual blocks; 6 as published for 128 x 128, 9 for 256 x 256.
        kernel: side of the kernels of the first and the last convolution, odd; 7 as published.
        norm: `instance` as published, or `batch`.
        upsampling: `transposed` convolutions as published, or `nearest` voxels then a convolution, which leaves no
            chequers.

    Raises:
        ConfigError: for a size that can't be halved twice, a kernel without a middle, or an unknown name.
    """

    def __init__(
        self,
        size: Sequence[int],
        image_channels: int,
        *,
        width: int,
        blocks: int,
        kernel: int,
        norm: str,
        upsampling: str,
    ) -> None:
        if any(length % 2**HALVINGS for length in size):
            raise ConfigError(f"CycleGAN can't make image_size {list(size)}; it makes multiples of {2**HALVINGS}")
        if kernel % 2 == 0 or blocks < 0:
            raise ConfigError(f"generator.kernel={kernel} must be odd, and generator.blocks={blocks} at least 0")
        dims, bias = len(size), norm != "batch"
        channels = [width * 2**level for level in range(HALVINGS + 1)]
        layers = [_same(dims, image_channels, width, kernel, bias), normalisation(norm, dims, width), nn.ReLU()]
        for before, after in pairwise(channels):
            halving = CONVOLUTIONS[dims](before, after, 3, stride=2, padding=1, bias=bias)
            layers += [halving, normalisation(norm, dims, after), nn.ReLU()]
        layers += [ResidualBlock(dims, channels[-1], norm) for _ in range(blocks)]
        for before, after in pairwise(reversed(channels)):
            layers += [doubling(upsampling, dims, before, after, 3, bias), normalisation(norm, dims, after)]
            layers.append(nn.ReLU())
        super().__init__(*layers, _same(dims, width, image_channels, kernel, bias=True), nn.Tanh())


class ResidualBlock(nn.Module):
    """Two convolutions of kernel 3, whose result is added to the input; `(B, C, *S) -> (B, C, *S)`."""

    def __init__(self, dims: int, channels: int, norm: str) -> None:
        super().__init__()
        first, second = (_same(dims, channels, channels, 3, bias=norm != "batch") for _ in range(2))
        self.layers = nn.Sequential(
            first, normalisation(norm, dims, channels), nn.ReLU(), second, normalisation(norm, dims, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def _same(dims: int, before: int, after: int, kernel: int, bias: bool) -> nn.Module:
    """A convolution that keeps the grid."""
    return CONVOLUTIONS[dims](before, after, kernel, padding=kernel // 2, padding_mode="reflect", bias=bias)
