"""Layers of StyleGAN2 in 2D and 3D: equalised learning rate, modulated convolution, noise, minibatch deviation."""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthtrial.gans.precision import full_precision
from synthtrial.gans.stylegan2_resampling import binomial_filter, resampled

NoiseMode = Literal["random", "constant", "none"]

CONVOLVE = {2: F.conv2d, 3: F.conv3d}
CONVOLVE_TRANSPOSED = {2: F.conv_transpose2d, 3: F.conv_transpose3d}


class EqualLinear(nn.Module):
    """A dense layer with an equalised learning rate (Karras et al. 2017, arXiv 1710.10196, section 4.1).

    Weights are stored with unit variance and scaled by He's constant at use, so that Adam's steps are alike in all
    layers. It computes in full precision also under autocast: it costs little, and scales whole feature maps.

    Args:
        bias: initial bias.
        lr_multiplier: how much slower the layer learns than others.
        activate: whether `leaky` follows.
    """

    def __init__(
        self,
        features_in: int,
        features_out: int,
        *,
        bias: float = 0.0,
        lr_multiplier: float = 1.0,
        activate: bool = False,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(features_out, features_in) / lr_multiplier)
        self.bias = nn.Parameter(torch.full((features_out,), bias / lr_multiplier))
        self.lr_multiplier = lr_multiplier
        self.activate = activate

    def forward(self, x: Tensor) -> Tensor:
        """Map `(B, features_in)` to `(B, features_out)`."""
        with full_precision(x.device):
            scale = self.lr_multiplier / math.sqrt(self.weight.shape[1])
            x = F.linear(x.float(), self.weight * scale, self.bias * self.lr_multiplier)
            return leaky(x) if self.activate else x


class EqualConv(nn.Module):
    """A convolution with an equalised learning rate, zero padding, and optionally a filtered reduction by two.

    Args:
        kernel: side of the kernel, voxels, 1 or 3.
        bias: whether it has one.
        down: halve every axis: filter before the strided convolution, so that nothing is aliased.
        activate: whether `leaky` follows.
    """

    filter: Tensor

    def __init__(
        self,
        dims: int,
        channels_in: int,
        channels_out: int,
        *,
        kernel: int,
        bias: bool = True,
        down: bool = False,
        activate: bool = True,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels_out, channels_in, *[kernel] * dims))
        self.bias = nn.Parameter(torch.zeros(channels_out)) if bias else None
        self.register_buffer("filter", binomial_filter(), persistent=False)
        self.dims, self.kernel, self.down, self.activate = dims, kernel, down, activate

    def forward(self, x: Tensor) -> Tensor:
        """Map `(B, C_in, *S)` to `(B, C_out, *S)`, or half of S."""
        weight = self.weight / math.sqrt(self.weight[0].numel())
        convolve = CONVOLVE[self.dims]
        if not self.down:
            x = convolve(x, weight, self.bias, padding=self.kernel // 2)
        elif self.kernel == 1:
            x = convolve(resampled(x, self.filter, padding=1, down=2), weight, self.bias)
        else:
            x = convolve(resampled(x, self.filter, padding=2), weight, self.bias, stride=2)
        return leaky(x) if self.activate else x


class ModulatedConv(nn.Module):
    """A convolution whose input channels are scaled by a style (Karras et al. 2019, arXiv 1912.04958, section 2.2).

    Scaling the kernel per sample, equations 1 and 3, is the same as scaling what goes in by the style and what comes
    out by the demodulation; so one kernel serves the whole batch.

    Args:
        kernel: side of the kernel, voxels, 1 or 3.
        up: double every axis: a transposed convolution, then a filter.
        demodulate: divide each output channel by the norm of its modulated kernel.
    """

    filter: Tensor

    def __init__(
        self, dims: int, channels_in: int, channels_out: int, *, kernel: int, up: bool = False, demodulate: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels_out, channels_in, *[kernel] * dims))
        self.bias = nn.Parameter(torch.zeros(channels_out))
        self.register_buffer("filter", binomial_filter(), persistent=False)
        self.dims, self.kernel, self.up, self.demodulate = dims, kernel, up, demodulate

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Map `(B, C_in, *S)`, styled by `(B, C_in)`, to `(B, C_out, *S)`, or twice S."""
        if not self.demodulate:
            style = style / math.sqrt(self.weight[0].numel())
        x = scale_channels(x, style)
        if self.up:
            x = CONVOLVE_TRANSPOSED[self.dims](x, self.weight.transpose(0, 1), stride=2)
            # Zeros between voxels left 1 / 2^dims of the brightness.
            x = resampled(x, 2 * self.filter, padding=1)
        else:
            x = CONVOLVE[self.dims](x, self.weight, padding=self.kernel // 2)
        if self.demodulate:
            x = scale_channels(x, self.demodulation(style))
        return x + on_channels(self.bias[None], x)

    def demodulation(self, style: Tensor) -> Tensor:
        """One over the norm of each output channel's modulated kernel, `(B, C_out)`."""
        with full_precision(style.device):
            energy = self.weight.square().flatten(2).sum(dim=2)
            return torch.rsqrt(style.square() @ energy.T + 1e-8)


class Noise(nn.Module):
    """Gaussian noise, the same for all channels, times one learned strength that starts at 0."""

    constant: Tensor

    def __init__(self, grid: tuple[int, ...]) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("constant", torch.randn(1, 1, *grid))

    def forward(self, x: Tensor, mode: NoiseMode, rng: torch.Generator | None = None) -> Tensor:
        """Add noise to `(B, C, *S)`: fresh per sample, drawn from `rng` where given; always the same; or none."""
        if mode == "none":
            return x
        noise = self.constant
        if mode == "random":
            device = "cpu" if rng else x.device
            noise = torch.randn(len(x), *noise.shape[1:], generator=rng, device=device).to(x.device)
        return x + (self.strength * noise).to(x.dtype)


class LearnedConstant(nn.Module):
    """The start grid: learned features, the same for every sample."""

    def __init__(self, channels: int, grid: tuple[int, ...]) -> None:
        super().__init__()
        self.features = nn.Parameter(torch.randn(1, channels, *grid))

    def forward(self, n: int) -> Tensor:
        """Repeat it `(n, C, *S)`."""
        return self.features.expand(n, *self.features.shape[1:])


class MinibatchDeviation(nn.Module):
    """One more channel: how much the samples of a group differ (Karras et al. 2017, arXiv 1710.10196, section 3).

    Args:
        group: most samples in a group; a batch is cut into groups of the largest size up to this that divides it.
    """

    def __init__(self, group: int = 4) -> None:
        super().__init__()
        self.group = group

    def forward(self, x: Tensor) -> Tensor:
        """Map `(B, C, *S)` to `(B, C + 1, *S)`."""
        n = len(x)
        size = max(size for size in range(1, min(self.group, n) + 1) if n % size == 0)
        groups = x.float().unflatten(0, (size, n // size))
        deviation = (groups.var(dim=0, correction=0) + 1e-8).sqrt().flatten(1).mean(dim=1)
        channel = on_channels(deviation.repeat(size)[:, None], x).expand(-1, 1, *x.shape[2:])
        return torch.cat([x, channel], dim=1)


def leaky(x: Tensor) -> Tensor:
    """LeakyReLU of slope 0.2, times the square root of 2 to keep the variance; overwrites `x`."""
    return F.leaky_relu_(x.mul_(math.sqrt(2)), 0.2)


def on_channels(values: Tensor, x: Tensor) -> Tensor:
    """Values `(B, C)` with the axes and the type of `x (B, C, *S)`."""
    return values.to(x.dtype)[(..., *[None] * (x.dim() - 2))]


def scale_channels(x: Tensor, factors: Tensor) -> Tensor:
    """Multiply `(B, C, *S)` by `(B, C)`."""
    return x * on_channels(factors, x)
