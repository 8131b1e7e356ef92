"""Progressive growing of GANs (Karras et al. 2018, arXiv 1710.10196) in 2D and 3D."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from synthtrial.errors import ConfigError
from synthtrial.gans import ema
from synthtrial.gans.augmentation import Augmentation
from synthtrial.gans.base import GAN
from synthtrial.gans.draws import randn
from synthtrial.gans.fitting import as_size
from synthtrial.gans.layers import channels_last, halvings
from synthtrial.gans.losses import accuracy, discriminator_terms, generator_terms
from synthtrial.gans.penalties import r1
from synthtrial.gans.phases import Batch, Penalty, Terms, adam
from synthtrial.gans.progressive_networks import Discriminator, Generator, at_size

LOSS = "non_saturating"


class Progressive(GAN):
    """Learn small images first, then double the resolution again and again, each time fading the new layers in.

    Steps at low resolution cost little. Each resolution but the first is faded in over `stage_images` images, and each
    but the last is then trained on for as many (section 2 of the paper). The last one gets the rest of `train.images`,
    at least half: stages that are too long for that are shortened alike. While the networks grow, samples are enlarged
    to full size.

    Deliberate differences from the paper:

    - the non-saturating loss with R1 (Mescheder et al. 2018, arXiv 1801.04406) replaces WGAN-GP, as in its authors' own
      StyleGAN (arXiv 1812.04948): it needs a penalty only now and then, and has a boundary to watch for collapse;
    - Adam goes on at a new resolution, while the authors' code forgets its moments;
    - the discriminator can see moved copies (`augment`), which lets it learn from few cases;
    - samples are cut to [-1, 1]; the generator itself has no bound, as published;
    - 3D, and grids that are no cubes.

    Args:
        image_size: side of the image, or one length per axis, voxels.
        image_channels: channels C of the image, masks included.
        spatial_dims: 2 or 3.
        latent: length of the noise vector.
        width: channels at full size; each coarser grid has twice as many.
        max_channels: but no more than these.
        stage_images: images over which a resolution fades in, and then over which it settles.
        r1: gamma, twice the weight of R1.
        r1_interval: steps between two penalties; each weighs as much as that many.
        lr_g: learning rate of the generator.
        lr_d: learning rate of the discriminator.
        betas: Adam's decay of the first and second moment.
        augment: keyword arguments of `augmentation.Augmentation`; null for none.

    Raises:
        ConfigError: for an image size that can't be halved, a stage or an interval below 1, or a negative `r1`.
    """

    generator: Generator
    generator_ema: Generator

    def __init__(
        self,
        *,
        image_size: int | Sequence[int],
        image_channels: int,
        spatial_dims: int,
        latent: int,
        width: int,
        max_channels: int,
        stage_images: int,
        r1: float,
        r1_interval: int,
        lr_g: float,
        lr_d: float,
        betas: Sequence[float],
        augment: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(adam(lr_g, betas), adam(lr_d, betas))
        self.size = as_size(image_size, spatial_dims)
        self.doublings = halvings(self.size)
        if self.doublings == 0:
            raise ConfigError(f"image_size {list(self.size)} can't be halved; choose multiples of 8")
        if stage_images < 1 or r1_interval < 1 or r1 < 0:
            raise ConfigError(
                f"stage_images={stage_images} and r1_interval={r1_interval} must be at least 1, r1={r1} at least 0"
            )
        self.augment = Augmentation.from_config(augment, spatial_dims)
        self.latent = latent
        self.stage_images = stage_images
        self.r1_weight = r1
        self.r1_interval = r1_interval
        grid = [length // 2**self.doublings for length in self.size]
        channels = [min(width * 2**level, max_channels) for level in range(self.doublings, -1, -1)]
        self.generator = Generator(grid, image_channels, latent, channels)
        self.discriminator = Discriminator(grid, image_channels, channels)
        channels_last(self)
        self.generator_ema = ema.frozen_copy(self.generator)

    def grown(self, images_seen: int) -> float:
        """How far the networks have grown when so many images have been seen: 0 at first, `doublings` at the end.

        Stages alternate: settle at 0, fade in 1, settle at 1, fade in 2, and so on.
        """
        longest = self.schedule.images / 2 / (2 * self.doublings)
        settled, part = divmod(images_seen / min(self.stage_images, longest), 2)
        return min(settled + max(part - 1, 0.0), float(self.doublings))

    def prepare_batch(self, batch: Batch) -> Batch:
        """Grow as far as is due after this step, and shrink the real images accordingly."""
        grown = self.grown(self.images_seen + self.schedule.batch_size)
        self.generator.grown.fill_(grown)
        return batch | {"grown": grown, "real": at_size(batch["real"], grown, self.doublings)}

    def fake(self, batch: Batch) -> Tensor:
        """Samples `(B, C, *spatial)` of the size grown to, from fresh noise."""
        return self.generator(randn(len(batch["real"]), self.latent, device=self.device), batch["grown"])

    def discriminator_loss(self, real: Tensor, fake: Tensor, batch: Batch) -> Terms:
        """The non-saturating loss on augmented images; real and fake apart, as each batch's deviation is looked at."""
        on_real, on_fake = (self.discriminator(self.augment(images), batch["grown"]) for images in (real, fake))
        self.history.add("discriminator/accuracy", accuracy(LOSS, on_real, on_fake))
        return discriminator_terms(LOSS, on_real, on_fake)

    def generator_loss(self, fake: Tensor, batch: Batch) -> Terms:
        """The non-saturating loss on augmented fakes."""
        return generator_terms(LOSS, self.discriminator(self.augment(fake), batch["grown"]))

    def penalties(self) -> list[Penalty]:
        """R1 at augmented real images, now and then."""
        return [Penalty("discriminator", self.r1_terms, interval=self.r1_interval)] if self.r1_weight else []

    def r1_terms(self, batch: Batch) -> Terms:
        """R1, `gamma / 2 E[|grad D(x)|^2]`, weighted for the steps without it."""
        weight = self.r1_interval * self.r1_weight / 2
        return {"r1": weight * r1(lambda x: self.discriminator(x, batch["grown"]), self.augment(batch["real"]))}

    @torch.no_grad()
    def decode(self, noise: Tensor, rng: torch.Generator, condition: Tensor | None = None) -> Tensor:
        """Make `(n, C, *spatial)` in [-1, 1] by the averaged generator, enlarged to full size while it grows."""
        images = self.generator_ema(noise.to(self.device), float(self.generator_ema.grown))
        return F.interpolate(images, size=self.size, mode="nearest").clamp(-1, 1)
