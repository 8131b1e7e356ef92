"""Building blocks that several generator families share, each in 2D and 3D."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

import torch.nn.functional as F
from torch import Tensor, nn

from synthtrial.speed import lay_out

CONVOLUTIONS = {2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
BATCH_NORMS = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_SUM_POOL = {2: F.avg_pool2d, 3: F.avg_pool3d}
_TRANSPOSED = {2: F.conv_transpose2d, 3: F.conv_transpose3d}


def group_norm(channels: int, groups: int = 8) -> nn.GroupNorm:
    """GroupNorm with the most groups, up to `groups`, that divide both numbers."""
    return nn.GroupNorm(gcd(groups, channels), channels)


class UpsampledConv(nn.Module):
    """Nearest x2 upsampling, then a 3x3(x3) convolution with zero padding: `(B, C_in, *S) -> (B, C_out, *2S)`.

    On larger grids both are computed as one transposed convolution of kernel 4 and stride 2. Upsampling repeats each
    voxel, so neighbouring weights meet the same value and can be summed first. The result is the same within
    rounding, with 8 instead of 27 products per output voxel in 3D, and no upsampled copy in memory.

    Args:
        dims: spatial dimensions, 2 or 3.
        bias: whether the convolution has a bias.
        smallest: voxels of the input grid from which the transposed form is used; below, summing the weights costs more
            than it saves.
    """

    def __init__(
        self, dims: int, channels_in: int, channels_out: int, *, bias: bool = True, smallest: int = 512
    ) -> None:
        super().__init__()
        self.conv = CONVOLUTIONS[dims](channels_in, channels_out, kernel_size=3, padding=1, bias=bias)
        self.dims = dims
        self.smallest = smallest

    def forward(self, x: Tensor) -> Tensor:
        if x[0, 0].numel() < self.smallest:
            return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        flipped = self.conv.weight.flip(tuple(range(2, 2 + self.dims)))
        kernel = _SUM_POOL[self.dims](flipped, kernel_size=2, stride=1, padding=1, divisor_override=1)
        return _TRANSPOSED[self.dims](x, kernel.transpose(0, 1), self.conv.bias, stride=2, padding=1)


def halvings(image_size: Sequence[int], smallest: int = 4) -> int:
    """How often every axis can be halved exactly without falling below `smallest` voxels."""
    count = 0
    while all(n % 2 ** (count + 1) == 0 and n // 2 ** (count + 1) >= smallest for n in image_size):
        count += 1
    return count


def channels_last(module: nn.Module) -> None:
    """Store convolution weights with channels last, the layout that CPUs and tensor cores are quickest with."""
    lay_out(module, channels_last=True)
