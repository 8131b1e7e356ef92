"""A GAN (Goodfellow et al. 2014, arXiv 1406.2661) whose generator is a U-Net (arXiv 1505.04597), in 2D and 3D."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from synthtrial.gans import ema
from synthtrial.gans.augmentation import Augmentation
from synthtrial.gans.base import GAN
from synthtrial.gans.fitting import as_size
from synthtrial.gans.layers import channels_last
from synthtrial.gans.losses import accuracy, check_loss, discriminator_terms, generator_terms
from synthtrial.gans.noise import Noise
from synthtrial.gans.phases import Batch, Terms, adam
from synthtrial.gans.settings import check_keys
from synthtrial.gans.unet_networks import Discriminator, UNet


class VanillaUNet(GAN):
    """A volume of noise goes in, a U-Net makes the image.

    Skips hand fine noise straight to fine grids, but what lies where must come from coarse ones, where little is left
    of white noise; see `noise.Noise`. Real and fake are judged apart, so that a batch norm in the discriminator sees
    one kind at a time.

    Args:
        image_size: side of the image, or one length per axis, voxels; any.
        image_channels: channels C of the image, masks included.
        spatial_dims: 2 or 3.
        latent: channels of the noise volume.
        noise: `white` or `pyramid`, see `noise.Noise`.
        generator: keyword arguments of `unet_networks.UNet`.
        discriminator: keyword arguments of `unet_networks.Discriminator`.
        loss: a loss of `losses`.
        lr_g: learning rate of the generator.
        lr_d: learning rate of the discriminator.
        betas: Adam's decay of the first and second moment.
        augment: keyword arguments of `augmentation.Augmentation`; null for none.

    Raises:
        ConfigError: for an unknown key, or a value that can't be.
    """

    generator: UNet

    def __init__(
        self,
        *,
        image_size: int | Sequence[int],
        image_channels: int,
        spatial_dims: int,
        latent: int,
        noise: str,
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
        self.loss = check_loss(loss)
        check_keys(generator, "generator", UNet)
        check_keys(discriminator, "discriminator", Discriminator)
        self.augment = Augmentation.from_config(augment, spatial_dims)
        self.generator = UNet(size, image_channels, latent, **generator)
        self.noise = Noise(noise, latent, self.generator.grids)
        self.discriminator = Discriminator(size, image_channels, **discriminator)
        channels_last(self)
        self.generator_ema = ema.frozen_copy(self.generator)

    def fake(self, batch: Batch) -> Tensor:
        """Samples `(B, C, *spatial)` from fresh noise."""
        return self.generator(self.noise(len(batch["real"]), self.device))

    def discriminator_loss(self, real: Tensor, fake: Tensor, batch: Batch) -> Terms:
        """The chosen loss on augmented real and fake images."""
        on_real, on_fake = self.discriminator(self.augment(real)), self.discriminator(self.augment(fake))
        self.history.add("discriminator/accuracy", accuracy(self.loss, on_real, on_fake))
        return discriminator_terms(self.loss, on_real, on_fake)

    def generator_loss(self, fake: Tensor, batch: Batch) -> Terms:
        """The chosen loss on augmented fakes."""
        return generator_terms(self.loss, self.discriminator(self.augment(fake)))

    def draw_noise(self, n: int, rng: torch.Generator) -> Tensor:
        """Noise of the kind that was chosen, `(n, ...)`."""
        return self.noise(n, rng=rng)

    @torch.no_grad()
    def decode(self, noise: Tensor, rng: torch.Generator, condition: Tensor | None = None) -> Tensor:
        """Make `(n, C, *spatial)` in [-1, 1] by the averaged generator."""
        return self.generator_ema(noise.to(self.device))
