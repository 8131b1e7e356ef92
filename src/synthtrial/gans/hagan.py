"""HA-GAN: hierarchical amortised GAN for 3D volumes (Sun et al., IEEE JBHI 2022, doi 10.1109/JBHI.2022.3172976)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthtrial.errors import ConfigError
from synthtrial.gans import ema
from synthtrial.gans.augmentation import Augmentation
from synthtrial.gans.base import GAN
from synthtrial.gans.draws import randint_for_all, randn
from synthtrial.gans.fitting import as_size
from synthtrial.gans.hagan_networks import (
    LATENT_STRIDE,
    SIZES,
    Discriminator,
    EncoderGlobal,
    EncoderHigh,
    Generator,
    slab_depth,
)
from synthtrial.gans.labels import cross_entropy, labels_of, with_class
from synthtrial.gans.layers import channels_last
from synthtrial.gans.losses import accuracy, check_loss, discriminator_terms, generator_terms
from synthtrial.gans.phases import Batch, Phase, Terms, adam
from synthtrial.gans.settings import check_keys

GENERATOR_CLASS_WEIGHT = 0.1
"""Weight of the classes' cross-entropy for the generator, as published; for the discriminator it is 1."""


class HAGAN(GAN):
    """Learn a whole volume while only a slab of it is ever made at full resolution.

    A step has four phases (section III of the paper). The discriminator and the generator compete over a slab and the
    low-resolution image. E^H learns to encode a slab so that G^H gives it back, and E^G learns to find the noise of a
    whole volume. The encoders' losses never change the generator.

    Where there are classes, the generator's noise is followed by the class as one-hot, and the discriminator also tells
    the class: it learns to on real cases, and the generator is led by it with a tenth of the weight.

    Deliberate differences from the authors' published code:

    - cases come shuffled, and splits are by patient;
    - a slab starts at a multiple of 4 voxels, so that image and latent volume are cut at the same place;
    - G^H sees a latent slice more on either side of a slab, so that volumes are made as slabs were learned;
    - the real low-resolution image is averaged, not subsampled, so that it has no aliasing;
    - the generator's weights are averaged, and samples come from the average;
    - fakes for the discriminator are made without a graph, and no graph outlives its phase;
    - any batch size works, 1 included, and autocast to bfloat16;
    - the discriminator can see moved copies (`augment`), which lets it learn from few cases;
    - sizes 32 and 64, any number of image channels, and a `width`, beside the published 128 and 256.

    Args:
        image_size: side of the cube, 32, 64, 128 or 256 voxels.
        image_channels: channels C of the image, masks included.
        spatial_dims: 3.
        latent: length of the noise vector.
        width: channels of the latent volume, a multiple of 16; all others follow in proportion.
        loss: a loss of `losses`.
        lr_g: learning rate of the generator.
        lr_d: learning rate of the discriminator.
        lr_e: learning rate of both encoders.
        betas: Adam's decay of the first and second moment.
        spectral_norm: whether every layer of the discriminator has spectral norm, as published.
        augment: keyword arguments of `augmentation.Augmentation`, within slices only, that is without axis 0; null for
            none, as published.
        n_classes: classes that it is asked for; 0 when all cases are alike to it.

    Raises:
        ConfigError: for a size that it can't make.
    """

    saved_networks: ClassVar[tuple[str, ...]] = ("generator_ema", "encoder_high", "encoder_global")
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
        latent: int,
        width: int,
        loss: str = "non_saturating",
        lr_g: float,
        lr_d: float,
        lr_e: float,
        betas: Sequence[float],
        spectral_norm: bool,
        augment: dict[str, Any] | None = None,
        n_classes: int = 0,
    ) -> None:
        super().__init__(adam(lr_g, betas), adam(lr_d, betas))
        self.encoder_optimizer = adam(lr_e, betas)
        self.size = cube_side(image_size, spatial_dims)
        if width % 16:
            raise ConfigError(f"width={width} must be a multiple of 16")
        self.slab = slab_depth(self.size)
        self.augment = within_slices(augment or {})
        self.latent = latent
        self.loss = check_loss(loss)
        self.n_classes = n_classes
        self.conditions_on = "label" if n_classes else ""
        self.generator = Generator(self.size, image_channels, latent + n_classes, width)
        self.discriminator = Discriminator(
            self.size, image_channels, width, outputs=1 + n_classes, spectral_norm=spectral_norm
        )
        self.encoder_high = EncoderHigh(image_channels, width)
        self.encoder_global = EncoderGlobal(self.size, latent, width)
        channels_last(self)
        self.generator_ema = ema.frozen_copy(self.generator)

    def phases(self) -> list[Phase]:
        """Discriminator, generator, E^H, E^G."""
        return [
            *super().phases(),
            Phase("encoder_high", [self.encoder_high], self.encoder_high_terms, self.encoder_optimizer),
            Phase("encoder_global", [self.encoder_global], self.encoder_global_terms, self.encoder_optimizer),
        ]

    def compilable(self) -> list[nn.Module]:
        """All but the layers that are told where a slab starts, which is another number in each step."""
        generator, discriminator = self.generator, self.discriminator
        return [
            *(generator.trunk, generator.high, generator.low, discriminator.high, discriminator.low),
            *(self.encoder_high, self.encoder_global),
        ]

    def prepare_batch(self, batch: Batch) -> Batch:
        """Choose where the slab of this step starts, and cut and shrink the real images accordingly."""
        start = LATENT_STRIDE * int(randint_for_all(0, (self.size - self.slab) // LATENT_STRIDE + 1))
        real = batch["real"]
        return batch | {
            "start": start,
            "slab": real.narrow(2, start, self.slab),
            "low": F.avg_pool3d(real, LATENT_STRIDE),
        }

    def slab_image(self, volume: Tensor, start: int) -> Tensor:
        """G^H on the part of a latent volume `(B, W, size/4, ...)` that makes the slab starting at voxel `start`.

        One more latent slice on either side reaches as far as G^H looks, so that a slab has no borders of its own.
        """
        first = max(start // LATENT_STRIDE - 1, 0)
        last = min((start + self.slab) // LATENT_STRIDE + 1, volume.shape[2])
        made = self.generator.high(volume[:, :, first:last])
        return made.narrow(2, start - LATENT_STRIDE * first, self.slab)

    def fake(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """A slab `(B, C, slab, size, size)` and the low-resolution image `(B, C, size/4, ...)` from fresh noise."""
        noise = randn(len(batch["real"]), self.latent, device=self.device)
        return self._slab_and_low(with_class(noise, batch.get("label"), self.n_classes), batch["start"])

    def _slab_and_low(self, latent: Tensor, start: int) -> tuple[Tensor, Tensor]:
        volume = self.generator.latent_volume(latent)
        return self.slab_image(volume, start), self.generator.low(volume)

    def discriminator_loss(self, real: Tensor, fake: tuple[Tensor, Tensor], batch: Batch) -> Terms:
        """The chosen loss on slabs at the same place, judged in one pass; cross-entropy of the real cases' classes."""
        slab, low = fake
        outputs = self.judge(torch.cat([batch["slab"], slab]), torch.cat([batch["low"], low]), batch["start"])
        on_real, on_fake = outputs.chunk(2)
        self.history.add("discriminator/accuracy", accuracy(self.loss, on_real[:, :1], on_fake[:, :1]))
        return discriminator_terms(self.loss, on_real[:, :1], on_fake[:, :1]) | self.class_terms(on_real, batch)

    def generator_loss(self, fake: tuple[Tensor, Tensor], batch: Batch) -> Terms:
        """The chosen loss on the fakes, and a little of the cross-entropy of the classes asked for."""
        outputs = self.judge(*fake, batch["start"])
        return generator_terms(self.loss, outputs[:, :1]) | self.class_terms(outputs, batch, GENERATOR_CLASS_WEIGHT)

    def judge(self, slab: Tensor, low: Tensor, start: int) -> Tensor:
        """Outputs `(B, 1 + n_classes)` for augmented slabs and low-resolution images, both moved alike."""
        return self.discriminator(*self.augment.together(slab, low), start)

    def class_terms(self, outputs: Tensor, batch: Batch, weight: float = 1.0) -> Terms:
        """Cross-entropy of the classes, from the discriminator's outputs `(B, 1 + n_classes)`; nothing without any."""
        return {"class": weight * cross_entropy(outputs[:, 1:], labels_of(batch))} if self.n_classes else {}

    def encoder_high_terms(self, batch: Batch) -> Terms:
        """E^H: absolute error of a real slab after E^H and G^H."""
        return {"slab": F.l1_loss(self.generator.high(self.encoder_high(batch["slab"])), batch["slab"])}

    def encoder_global_terms(self, batch: Batch) -> Terms:
        """E^G: absolute error of slab and low-resolution image after both encoders and the generator."""
        latent = with_class(self.encode(batch["real"]), batch.get("label"), self.n_classes)
        slab, low = self._slab_and_low(latent, batch["start"])
        return {"slab": F.l1_loss(slab, batch["slab"]) / 2, "low": F.l1_loss(low, batch["low"]) / 2}

    def encode(self, images: Tensor) -> Tensor:
        """The noise `(B, latent)` of whole images `(B, C, size, size, size)`; E^H works by slabs, without gradient."""
        with torch.no_grad():
            slabs = [self.encoder_high(slab) for slab in images.split(self.slab, dim=2)]
        return self.encoder_global(torch.cat(slabs, dim=2))

    @torch.no_grad()
    def decode(self, noise: Tensor, rng: torch.Generator, condition: Tensor | None = None) -> Tensor:
        """Make whole volumes `(n, C, size, size, size)` in [-1, 1], of a class each, by the averaged generator."""
        return self.generator_ema(with_class(noise.to(self.device), condition, self.n_classes))

    @torch.no_grad()
    def reconstruct(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Encode images `(B, C, size, size, size)`, of classes `(B,)` where they are known, and generate them again."""
        return self.generator_ema(with_class(self.encode(images), labels, self.n_classes))


def cube_side(image_size: Any, spatial_dims: int) -> int:
    """The side of the cube, voxels.

    Raises:
        ConfigError: for any shape but the cubes that HA-GAN can make.
    """
    if spatial_dims != 3:
        raise ConfigError("HA-GAN makes volumes: spatial_dims must be 3; for 2D images choose another generator")
    size = as_size(image_size, spatial_dims)
    if len(set(size)) != 1 or size[0] not in SIZES:
        raise ConfigError(f"HA-GAN can't make image_size {list(size)}; it makes cubes of {', '.join(map(str, SIZES))}")
    return size[0]


def within_slices(augment: dict[str, Any]) -> Augmentation:
    """An augmentation that leaves a slab where it is along the first axis.

    Raises:
        ConfigError: when it would move along the first axis, or has an unknown key.
    """
    settings = {"shift_axes": [1, 2], **augment}
    check_keys(settings, "augment", Augmentation)
    if 0 in [*settings["shift_axes"], *settings.get("mirror_axes", [])]:
        raise ConfigError("HA-GAN's augment can't move along axis 0, where its slabs are cut; choose from 1 and 2")
    return Augmentation(**settings)
