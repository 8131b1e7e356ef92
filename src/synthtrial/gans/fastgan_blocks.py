"""Building blocks of FastGAN (Liu et al. 2021, arXiv 2101.04775); every convolution has spectral norm and no bias."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from synthtrial.gans.layers import BATCH_NORMS, CONVOLUTIONS, UpsampledConv

_AVERAGE = {2: nn.AvgPool2d, 3: nn.AvgPool3d}
ADAPTIVE = {2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}


def conv(dims: int, before: int, after: int, kernel: int, stride: int = 1, padding: int = 0) -> nn.Module:
    """A convolution with spectral norm."""
    return spectral_norm(CONVOLUTIONS[dims](before, after, kernel, stride, padding, bias=False))


class SkipLayerExcitation(nn.Module):
    """Weigh the channels of a fine grid by what a coarse one holds: `y = F(x_low) x_high` (equation 1)."""

    def __init__(self, dims: int, low_channels: int, high_channels: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            ADAPTIVE[dims](4),
            conv(dims, low_channels, high_channels, kernel=4),
            nn.LeakyReLU(0.1, inplace=True),
            conv(dims, high_channels, high_channels, kernel=1),
            nn.Sigmoid(),
        )

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        return high * self.gate(low)


class NoiseInjection(nn.Module):
    """Add white noise, the same to all channels, as strongly as is learned; not at all at first."""

    def __init__(self) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, rng: torch.Generator | None) -> Tensor:
        shape = (len(x), 1, *x.shape[2:])
        device = x.device if rng is None else rng.device
        return x + self.strength * torch.randn(shape, generator=rng, device=device).to(x)


class GatedConv(nn.Module):
    """Convolution, noise, batch norm and a gated linear unit: `(B, C_in, *S) -> (B, C_out, *grid)`.

    Args:
        dims: spatial dimensions, 2 or 3.
        before: channels in.
        after: channels out.
        grid: lengths of the output, voxels: those of the input, or twice as many, less one for an odd number.
        enlarge: whether nearest x2 upsampling precedes the convolution.
        noisy: whether noise is added.
    """

    def __init__(self, dims: int, before: int, after: int, grid: Sequence[int], *, enlarge: bool, noisy: bool) -> None:
        super().__init__()
        self.conv: nn.Module
        if enlarge:
            self.conv = UpsampledConv(dims, before, 2 * after, bias=False)
            spectral_norm(self.conv.conv)
        else:
            self.conv = conv(dims, before, 2 * after, kernel=3, padding=1)
        self.noise = NoiseInjection() if noisy else None
        self.norm = BATCH_NORMS[dims](2 * after)
        self.glu = nn.GLU(dim=1)
        self.inside = (..., *map(slice, grid))

    def forward(self, x: Tensor, rng: torch.Generator | None = None) -> Tensor:
        x = self.conv(x)[self.inside]
        if self.noise is not None:
            x = self.noise(x, rng)
        return self.glu(self.norm(x))


class UpBlock(nn.Module):
    """Enlarge to the next grid; a noisy block adds noise and a second convolution."""

    def __init__(self, dims: int, before: int, after: int, grid: Sequence[int], *, noisy: bool) -> None:
        super().__init__()
        self.convs = nn.ModuleList([GatedConv(dims, before, after, grid, enlarge=True, noisy=noisy)])
        if noisy:
            self.convs.append(GatedConv(dims, after, after, grid, enlarge=False, noisy=True))

    def forward(self, x: Tensor, rng: torch.Generator | None = None) -> Tensor:
        for layer in self.convs:
            x = layer(x, rng)
        return x


def activated(dims: int, before: int, after: int, kernel: int, stride: int = 1, *, norm: bool = True) -> nn.Sequential:
    """Convolution, batch norm and LeakyReLU; of kernel 4 and stride 2, it halves a grid, rounding down."""
    layers = [conv(dims, before, after, kernel, stride, padding=(kernel - 1) // 2)]
    if norm:
        layers.append(BATCH_NORMS[dims](after))
    return nn.Sequential(*layers, nn.LeakyReLU(0.2, inplace=True))


class DownBlock(nn.Module):
    """Halve a grid, rounding down, in two ways, and take their mean."""

    def __init__(self, dims: int, before: int, after: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            activated(dims, before, after, kernel=4, stride=2), activated(dims, after, after, kernel=3)
        )
        self.direct = nn.Sequential(_AVERAGE[dims](2), activated(dims, before, after, kernel=1))

    def forward(self, x: Tensor) -> Tensor:
        return (self.main(x) + self.direct(x)) / 2
