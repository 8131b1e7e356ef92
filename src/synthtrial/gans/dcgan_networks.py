"""The two networks of DCGAN, from lists of channels and strides."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from synthtrial.errors import ConfigError
from synthtrial.gans.layers import BATCH_NORMS, CONVOLUTIONS, TRANSPOSED, UpsampledConv, group_norm


class Generator(nn.Module):
    """A dense layer to a coarse grid, then convolutions that enlarge it to the image; tanh at the end.

    Args:
        size: the image's length per axis, voxels.
        image_channels: channels C of the image.
        latent: length of the noise vector.
        channels: channels of the coarse grid, then of every grid after it but the image.
        strides: enlargement by each layer, as many as channels; 1 is a plain convolution.
        upsampling: `transposed` convolutions, or `nearest` voxels then a kernel of 3, which leaves no chequers.
        kernel: side of the kernels, voxels; 3 after `nearest`.
        norm: `batch`, `group` or null, before every activation.
        bias: whether layers have a bias.
        slope: slope of LeakyReLU below zero.
    """

    def __init__(
        self,
        size: Sequence[int],
        image_channels: int,
        latent: int,
        *,
        channels: Sequence[int],
        strides: Sequence[int],
        upsampling: str,
        kernel: int,
        norm: str | None,
        bias: bool,
        slope: float,
    ) -> None:
        super().__init__()
        if upsampling not in ("transposed", "nearest"):
            raise ConfigError(f"unknown upsampling {upsampling!r}; there are: transposed, nearest")
        if upsampling == "nearest" and kernel != 3:
            raise ConfigError(f"generator.upsampling=nearest works with generator.kernel=3, not {kernel}")
        smooth = upsampling == "nearest"
        grid = coarse_grid(size, channels, strides, "generator")
        dims = len(grid)
        features = channels[0] * prod(grid)
        # A dense layer's batch norm counts every feature on its own, as in Keras; groups need the channels.
        first_norm = [nn.BatchNorm1d(features)] if norm == "batch" else []
        self.dense = nn.Sequential(nn.Linear(latent, features, bias=bias), *first_norm)
        layers: list[nn.Module] = [group_norm(channels[0])] if norm == "group" else []
        layers.append(nn.LeakyReLU(slope, inplace=True))
        for (before, after), stride in zip(pairwise(channels), strides[:-1], strict=True):
            layers.append(enlarging(dims, before, after, kernel, stride, bias, smooth))
            layers += [*normalisation(norm, dims, after), nn.LeakyReLU(slope, inplace=True)]
        layers += [enlarging(dims, channels[-1], image_channels, kernel, strides[-1], bias, smooth), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        self.grid = (channels[0], *grid)

    def forward(self, noise: Tensor) -> Tensor:
        """Images `(B, C, *spatial)` in [-1, 1] from noise `(B, latent)`."""
        return self.layers(self.dense(noise).unflatten(1, self.grid))


class Discriminator(nn.Sequential):
    """Strided convolutions, then one dense layer to logits `(B, outputs)`.

    Args:
        size: the image's length per axis, voxels.
        image_channels: channels C of the image.
        outputs: how many logits; positional, since a configuration doesn't set it.
        channels: channels after each layer.
        strides: reduction by each layer, as many as channels.
        kernel: side of every kernel, voxels.
        slope: slope of LeakyReLU below zero.
        dropout: share of features dropped before the dense layer.
        spectral_norm: bound every layer's Lipschitz constant by 1 (Miyato et al. 2018, arXiv 1802.05957).
    """

    def __init__(
        self,
        size: Sequence[int],
        image_channels: int,
        outputs: int = 1,
        *,
        channels: Sequence[int],
        strides: Sequence[int],
        kernel: int,
        slope: float,
        dropout: float,
        spectral_norm: bool,
    ) -> None:
        if not 0 <= dropout < 1:
            raise ConfigError(f"discriminator.dropout={dropout} must lie in [0, 1)")
        grid = coarse_grid(size, channels, strides, "discriminator")
        bound = _spectrally_normed if spectral_norm else nn.Identity()
        layers: list[nn.Module] = []
        for (before, after), stride in zip(pairwise([image_channels, *channels]), strides, strict=True):
            layers += [bound(reducing(len(grid), before, after, kernel, stride)), nn.LeakyReLU(slope, inplace=True)]
        layers += [nn.Flatten(), nn.Dropout(dropout), bound(nn.Linear(channels[-1] * prod(grid), outputs))]
        super().__init__(*layers)


def coarse_grid(size: Sequence[int], channels: Sequence[int], strides: Sequence[int], name: str) -> tuple[int, ...]:
    """The image size divided by all strides.

    Raises:
        ConfigError: when it doesn't divide, or the lists differ in length.
    """
    if len(channels) != len(strides):
        raise ConfigError(f"{name}: {len(channels)} channels but {len(strides)} strides; give one stride per layer")
    factor = prod(strides)
    if any(length % factor for length in size):
        raise ConfigError(f"{name}: image_size {list(size)} must be a multiple of {factor}, the product of its strides")
    return tuple(length // factor for length in size)


def normalisation(norm: str | None, dims: int, channels: int) -> list[nn.Module]:
    """The layer that a `norm` key names, or none.

    Raises:
        ConfigError: for an unknown name.
    """
    if norm is None:
        return []
    if norm == "batch":
        return [BATCH_NORMS[dims](channels)]
    if norm == "group":
        return [group_norm(channels)]
    raise ConfigError(f"unknown norm {norm!r}; there are: batch, group, null")


def enlarging(dims: int, before: int, after: int, kernel: int, stride: int, bias: bool, smooth: bool) -> nn.Module:
    """A convolution that makes every axis exactly `stride` (1 or 2) times as long."""
    if stride == 2 and smooth:
        return UpsampledConv(dims, before, after, bias=bias)
    if stride == 1:
        return CONVOLUTIONS[dims](before, after, kernel, padding="same", bias=bias)
    return TRANSPOSED[dims](
        before, after, kernel, stride, padding=(kernel - 1) // 2, output_padding=kernel % 2, bias=bias
    )


def reducing(dims: int, before: int, after: int, kernel: int, stride: int) -> nn.Module:
    """A convolution that makes every axis exactly `stride` (1 or 2) times shorter."""
    padding = "same" if stride == 1 else (kernel - 1) // 2
    return CONVOLUTIONS[dims](before, after, kernel, stride, padding=padding)


def _spectrally_normed(layer: nn.Module) -> nn.Module:
    return spectral_norm(layer)
