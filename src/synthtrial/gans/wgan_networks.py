"""The networks that a Wasserstein GAN can use: those of DCGAN, a U-Net, or residual blocks down and up."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from synthtrial.errors import ConfigError
from synthtrial.gans import dcgan_networks, unet_networks
from synthtrial.gans.dcgan import WIDTHS, with_layers
from synthtrial.gans.dcgan_networks import normalisation
from synthtrial.gans.layers import CONVOLUTIONS
from synthtrial.gans.noise import Noise
from synthtrial.gans.settings import check_keys
from synthtrial.gans.unet_networks import Grid, UNet, doubling, grids

_POOLS = {2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}


class ResidualBlock(nn.Module):
    """Two convolutions beside a shortcut, both on the new grid (arXiv 1704.00028, appendix F).

    Args:
        old: the grid that comes in, voxels per axis.
        new: the grid that goes out, larger (voxels are repeated) or smaller (voxels are averaged).
        before: channels that come in.
        after: channels that go out.
        norm: `batch`, `group` or null, before both activations.
    """

    def __init__(self, old: Grid, new: Grid, before: int, after: int, norm: str | None) -> None:
        super().__init__()
        dims = len(old)
        convolution = CONVOLUTIONS[dims]
        self.resize = nn.Upsample(size=new) if new > old else _POOLS[dims](new)
        self.shortcut = convolution(before, after, kernel_size=1)
        self.first = nn.Sequential(
            *normalisation(norm, dims, before), nn.ReLU(), convolution(before, after, kernel_size=3, padding=1)
        )
        self.second = nn.Sequential(
            *normalisation(norm, dims, after), nn.ReLU(), convolution(after, after, kernel_size=3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.resize(x)
        return self.shortcut(x) + self.second(self.first(x))


class ResidualGenerator(nn.Sequential):
    """Residual blocks down, then as many up, from a noise volume to an image; tanh at the end.

    No skips lead across, so that all noise passes the coarsest grid. Any image size works, as in
    `unet_networks.UNet`.

    Args:
        size: the image's length per axis, voxels.
        image_channels: channels C of the image.
        latent: channels of the noise volume.
        blocks: blocks down, and as many up.
        width: channels at full size; each block down doubles them.
        max_channels: but no more than these.
        norm: `batch`, `group` or null, before activations.

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
    ) -> None:
        convolution, sizes = CONVOLUTIONS[len(size)], grids(size, blocks)
        down = list(zip(sizes, doubling(blocks + 1, width, max_channels), strict=True))
        path = [*down, *down[-2::-1]]
        super().__init__(
            convolution(latent, width, kernel_size=3, padding=1),
            *(ResidualBlock(old, new, before, after, norm) for (old, before), (new, after) in pairwise(path)),
            *normalisation(norm, len(size), width),
            nn.ReLU(),
            convolution(width, image_channels, kernel_size=3, padding=1),
            nn.Tanh(),
        )
        self.grids = sizes


def build_networks(
    network: str,
    size: Sequence[int],
    image_channels: int,
    latent: int,
    noise: str,
    generator: dict[str, Any],
    discriminator: dict[str, Any],
) -> tuple[nn.Module, nn.Module, Noise]:
    """A generator, a critic, and the noise that the generator starts from.

    Args:
        network: `dcgan`; or `unet` or `residual`, both with a noise volume and the discriminator of `unet_networks`.
        size: the image's length per axis, voxels.
        image_channels: channels C of the image.
        latent: length of the noise vector, or channels of the noise volume.
        noise: `vector` for `dcgan`; `white` or `pyramid` for the others, see `noise.Noise`.
        generator: keyword arguments of the generator; for `dcgan` also `width` and `max_channels`.
        discriminator: keyword arguments of the critic; for `dcgan` also `width` and `max_channels`.

    Raises:
        ConfigError: for an unknown network or key.
    """
    if network == "dcgan":
        check_keys(generator, "generator", dcgan_networks.Generator, also=WIDTHS)
        check_keys(discriminator, "discriminator", dcgan_networks.Discriminator, also=WIDTHS)
        return (
            dcgan_networks.Generator(size, image_channels, latent, **with_layers(generator, "generator", size)),
            dcgan_networks.Discriminator(size, image_channels, **with_layers(discriminator, "discriminator", size)),
            Noise(noise, latent),
        )
    volume_generators = {"unet": UNet, "residual": ResidualGenerator}
    if network not in volume_generators:
        raise ConfigError(f"unknown network {network!r}; there are: dcgan, {', '.join(volume_generators)}")
    check_keys(generator, "generator", volume_generators[network])
    check_keys(discriminator, "discriminator", unet_networks.Discriminator)
    from_volume = volume_generators[network](size, image_channels, latent, **generator)
    critic = unet_networks.Discriminator(size, image_channels, **discriminator)
    return from_volume, critic, Noise(noise, latent, from_volume.grids)
