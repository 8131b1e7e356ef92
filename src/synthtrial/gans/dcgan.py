"""DCGAN (Radford et al. 2015, arXiv 1511.06434) in 2D and 3D."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from synthtrial.errors import ConfigError
from synthtrial.gans import ema
from synthtrial.gans.augmentation import Augmentation
from synthtrial.gans.base import GAN
from synthtrial.gans.dcgan_networks import Discriminator, Generator
from synthtrial.gans.draws import randn
from synthtrial.gans.fitting import as_size
from synthtrial.gans.layers import channels_last, halvings
from synthtrial.gans.losses import accuracy, check_loss, discriminator_terms, generator_terms
from synthtrial.gans.phases import Batch, Terms, adam
from synthtrial.gans.settings import check_keys

WIDTHS = {"width": int, "max_channels": int}
"""Keys that stand for lists of channels and strides; see `with_layers`."""


class DCGAN(GAN):
    """A transposed-convolution generator against a strided-convolution discriminator.

    With `channels: null` a network has as many stride-2 layers as bring the image down to a grid of 4 to 7 voxels along
    the shortest axis. The generator has `width` channels at full size and twice as many at each coarser grid, and ends
    in a plain convolution; the discriminator has `width` channels after its first layer. With lists of channels and
    strides any published DCGAN can be written down: see conf/generator/dcgan_brain.yaml.

    Args:
        image_size: side of the image, or one length per axis, voxels.
        image_channels: channels C of the image, masks included.
        spatial_dims: 2 or 3.
        latent: length of the noise vector.
        generator: keyword arguments of `dcgan_networks.Generator`, or `width` and `max_channels`.
        discriminator: keyword arguments of `dcgan_networks.Discriminator`, or `width` and `max_channels`.
        loss: a loss of `losses`.
        lr_g: learning rate of the generator.
        lr_d: learning rate of the discriminator.
        betas: Adam's decay of the first and second moment.
        augment: keyword arguments of `augmentation.Augmentation`; null for none.

    Raises:
        ConfigError: when the strides don't divide the image size.
    """

    def __init__(
        self,
        *,
        image_size: int | Sequence[int],
        image_channels: int,
        spatial_dims: int,
        latent: int,
        generator: dict[str, Any],
        discriminator: dict[str, Any],
        loss: str,
        lr_g: float,
        lr_d: float,
        betas: Sequence[float],
        augment: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(adam(lr_g, betas), adam(lr_d, betas))
        size = as_size(image_size, spatial_dims)
        self.latent = latent
        self.loss = check_loss(loss)
        check_keys(generator, "generator", Generator, also=WIDTHS)
        check_keys(discriminator, "discriminator", Discriminator, also=WIDTHS)
        self.augment = Augmentation.from_config(augment, spatial_dims)
        self.generator = Generator(size, image_channels, latent, **with_layers(generator, "generator", size))
        self.discriminator = Discriminator(size, image_channels, **with_layers(discriminator, "discriminator", size))
        channels_last(self)
        self.generator_ema = ema.frozen_copy(self.generator)

    def fake(self, batch: Batch) -> Tensor:
        """Samples `(B, C, *spatial)` from fresh noise."""
        return self.generator(randn(len(batch["real"]), self.latent, device=self.device))

    def discriminator_loss(self, real: Tensor, fake: Tensor, batch: Batch) -> Terms:
        """The chosen loss on augmented real and fake images, judged in one pass."""
        logits = self.discriminator(self.augment(torch.cat([real, fake])))
        on_real, on_fake = logits.chunk(2)
        self.history.add("discriminator/accuracy", accuracy(self.loss, on_real, on_fake))
        return discriminator_terms(self.loss, on_real, on_fake)

    def generator_loss(self, fake: Tensor, batch: Batch) -> Terms:
        """The chosen loss on augmented fakes."""
        return generator_terms(self.loss, self.discriminator(self.augment(fake)))

    @torch.no_grad()
    def decode(self, noise: Tensor, rng: torch.Generator, condition: Tensor | None = None) -> Tensor:
        """Make `(n, C, *spatial)` in [-1, 1] by the averaged generator."""
        return self.generator_ema(noise.to(self.device))


def with_layers(settings: dict[str, Any], name: str, size: Sequence[int]) -> dict[str, Any]:
    """Replace `width` and `max_channels` by the lists of channels and strides that they stand for.

    Raises:
        ConfigError: when there is neither a width nor lists of channels and strides, or the size can't be halved.
    """
    settings = dict(settings)
    width, most = settings.pop("width", None), settings.pop("max_channels", None)
    if settings.get("channels") is not None:
        if settings.get("strides") is None:
            raise ConfigError(f"{name}.channels needs {name}.strides, one stride per layer")
        return settings
    if width is None:
        raise ConfigError(f"{name} needs either `width`, or `channels` and `strides`")
    count = halvings(size)
    if count == 0:
        raise ConfigError(f"{name}: image_size {list(size)} can't be halved; choose multiples of 8")
    channels = [min(width * 2**level, most or width * 2**level) for level in range(count + 1)]
    if name == "generator":
        return settings | {"channels": channels[::-1], "strides": [2] * count + [1]}
    return settings | {"channels": channels[:count], "strides": [2] * count}
