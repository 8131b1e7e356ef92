"""StyleGAN2 with adaptive discriminator augmentation (Karras et al. 2020, arXiv 2006.06676) in 2D and 3D."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from synthtrial.errors import ConfigError
from synthtrial.gans import ema
from synthtrial.gans.adaptive_augmentation import AdaptiveAugmentation
from synthtrial.gans.base import GAN
from synthtrial.gans.draws import randn
from synthtrial.gans.fitting import as_size
from synthtrial.gans.labels import UNKNOWN, labels_of
from synthtrial.gans.layers import channels_last
from synthtrial.gans.losses import accuracy, discriminator_terms, generator_terms
from synthtrial.gans.phases import Batch, Penalty, Phase, Terms
from synthtrial.gans.settings import check_keys
from synthtrial.gans.stylegan2_discriminator import Discriminator
from synthtrial.gans.stylegan2_networks import Generator, channels_at, pyramid
from synthtrial.gans.stylegan2_penalties import R1, PathLength, lazy_adam

LOSS = "non_saturating"
WIDTH = {2: 32, 3: 16}
"""Channels at full size where no `channel_base` is given."""


class StyleGAN2ADA(GAN):
    """A style-based generator against a residual discriminator that sees augmented images.

    In 2D, without classes, the networks are those of the published code, number by number, and so are the penalties,
    style mixing, the average style and the control of the augmentation. They carry over to 3D: kernels have 3x3x3
    voxels, the filter [1, 3, 3, 1] runs along all three axes, noise is a volume, and R1's rule counts voxels for
    pixels. The motions of the augmentation have three-dimensional forms of their own, see `affine_augmentation`.

    Other differences from the published code: augmentation interpolates linearly, at the resolution of the image;
    images need not be square; samples are cut to [-1, 1].

    With several classes the style depends on noise and class, and the discriminator judges an image and its class.

    Args:
        image_size: side of the image, or one length per axis, voxels.
        image_channels: channels C of the image, masks included.
        spatial_dims: 2 or 3.
        mask_channels: how many of the last channels are masks, which no colour augmentation meets.
        latent: length of the noise vector z.
        style: length of the style w.
        mapping_layers: layers from z to w.
        channel_base: channels times side, voxels, at every grid: 32768 gives 128 channels at 256 voxels. Null for 32
            channels at full size in 2D, 16 in 3D.
        channel_max: most channels of a grid.
        style_mixing: how often a batch takes its styles from two noise vectors.
        truncation: how far samples lie from the average style: 1 as learned; less is truer, but less diverse.
        lr_g: learning rate of the generator.
        lr_d: learning rate of the discriminator.
        betas: Adam's decay of the first and second moment.
        r1: keyword arguments of `stylegan2_penalties.R1`.
        path_length: keyword arguments of `stylegan2_penalties.PathLength`.
        augment: keyword arguments of `adaptive_augmentation.AdaptiveAugmentation`; null for none.
        n_classes: classes to tell apart.

    Raises:
        ConfigError: for a size that it can't make, or a value out of range.
    """

    takes_class: ClassVar[bool] = True
    generator: Generator
    generator_ema: Generator
    discriminator: Discriminator

    def __init__(
        self,
        *,
        image_size: int | Sequence[int],
        image_channels: int,
        spatial_dims: int,
        mask_channels: int,
        latent: int,
        style: int,
        mapping_layers: int,
        channel_base: int | None,
        channel_max: int,
        style_mixing: float,
        truncation: float,
        lr_g: float,
        lr_d: float,
        betas: Sequence[float],
        r1: dict[str, Any],
        path_length: dict[str, Any],
        augment: dict[str, Any] | None = None,
        n_classes: int = 0,
    ) -> None:
        check_keys(r1, "r1", R1)
        check_keys(path_length, "path_length", PathLength)
        check_keys(augment or {}, "augment", AdaptiveAugmentation)
        check_counts(latent=latent, style=style, mapping_layers=mapping_layers)
        if not 0 <= style_mixing <= 1 or truncation < 0:
            raise ConfigError(
                f"style_mixing must lie in [0, 1] and truncation be at least 0, not {style_mixing} and {truncation}"
            )
        if not 0 <= mask_channels < image_channels:
            raise ConfigError(f"mask_channels={mask_channels} must be less than image_channels={image_channels}")
        slope, path = R1(**r1), PathLength(**path_length)
        super().__init__(lazy_adam(lr_g, betas, path), lazy_adam(lr_d, betas, slope))
        self.r1, self.path_length = slope, path
        self.augment = AdaptiveAugmentation(spatial_dims, mask_channels, **augment) if augment is not None else None
        self.latent, self.style_mixing, self.truncation, self.n_classes = latent, style_mixing, truncation, n_classes
        self.conditions_on = "label" if n_classes else ""
        grids = pyramid(as_size(image_size, spatial_dims))
        base = WIDTH[spatial_dims] * max(grids[-1]) if channel_base is None else channel_base
        channels = channels_at(grids, base, channel_max)
        shared = {"mapping_layers": mapping_layers, "n_classes": n_classes}
        self.generator = Generator(grids, channels, image_channels, latent=latent, style=style, **shared)
        self.discriminator = Discriminator(grids, channels, image_channels, **shared)
        channels_last(self)
        self.generator_ema = ema.frozen_copy(self.generator)

    def phases(self) -> list[Phase]:
        """Discriminator, after which the augmentation adapts; generator."""
        discriminator, generator = super().phases()
        return [replace(discriminator, after=self.adapt), generator]

    def penalties(self) -> list[Penalty]:
        """R1 on the discriminator and path length on the generator, each an update of its own now and then."""
        found = []
        if self.r1.active:
            found.append(Penalty("discriminator", self.r1_terms, self.r1.interval, own_update=True))
        if self.path_length.active:
            found.append(Penalty("generator", self.path_length_terms, self.path_length.interval, own_update=True))
        return found

    def fake(self, batch: Batch) -> Tensor:
        """Samples `(B, C, *spatial)` from fresh noise, of the classes of the real images."""
        noise = randn(len(batch["real"]), self.latent, device=self.device)
        return self.generator(noise, labels_of(batch), self.style_mixing)

    def judge(self, images: Tensor, batch: Batch) -> Tensor:
        """Logits `(B, 1)` of augmented images."""
        seen = self.augment(images) if self.augment else images
        return self.discriminator(seen, labels_of(batch))

    def discriminator_loss(self, real: Tensor, fake: Tensor, batch: Batch) -> Terms:
        """Non-saturating loss; real and fake are judged apart, as samples of a batch are compared with each other."""
        on_real, on_fake = self.judge(real, batch), self.judge(fake, batch)
        if self.augment:
            self.augment.observe(on_real)
        self.history.add("discriminator/accuracy", accuracy(LOSS, on_real, on_fake))
        return discriminator_terms(LOSS, on_real, on_fake)

    def generator_loss(self, fake: Tensor, batch: Batch) -> Terms:
        """Non-saturating loss on augmented fakes."""
        return generator_terms(LOSS, self.judge(fake, batch))

    def r1_terms(self, batch: Batch) -> Terms:
        """The discriminator's slope at real images."""
        return {"r1": self.r1(lambda real: self.judge(real, batch), batch["real"], self.schedule.batch_size)}

    def path_length_terms(self, batch: Batch) -> Terms:
        """The generator's slope by the style, on a part of the batch."""
        labels = labels_of(batch)[: self.path_length.samples(len(batch["real"]))]
        noise = randn(len(labels), self.latent, device=self.device)
        styles = self.generator.styles(noise, labels, self.style_mixing)
        return {"path_length": self.path_length(self.generator.synthesis(styles), styles)}

    def adapt(self) -> None:
        """Let the augmentation follow the discriminator."""
        if self.augment:
            self.augment.adapt(self.schedule.batch_size)
            self.history.add("augment/probability", self.augment.probability.clone())

    @torch.no_grad()
    def decode(self, noise: Tensor, rng: torch.Generator, condition: Tensor | None = None) -> Tensor:
        """Make `(n, C, *spatial)` in [-1, 1] by the averaged generator; `condition` names classes, -1 for none."""
        label = torch.full((len(noise),), UNKNOWN) if condition is None else condition
        w = self.generator_ema.mapping(noise.to(self.device), self.truncation, label.to(self.device))
        return self.generator_ema.synthesis(w, rng=rng).clamp(-1, 1)


def check_counts(**counts: int) -> None:
    """Raise a ConfigError for a count below 1."""
    for name, count in counts.items():
        if count < 1:
            raise ConfigError(f"{name}={count} must be at least 1")
