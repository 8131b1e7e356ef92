"""Pix2Pix: an image to a given mask (Isola et al. 2017, arXiv 1611.07004), and masks of its own where wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthtrial.errors import ConfigError
from synthtrial.gans import ema
from synthtrial.gans.augmentation import Augmentation
from synthtrial.gans.base import GAN
from synthtrial.gans.draws import randn
from synthtrial.gans.fitting import as_size
from synthtrial.gans.image_to_image import start_gaussian
from synthtrial.gans.layers import channels_last
from synthtrial.gans.losses import accuracy, check_loss, discriminator_terms, generator_terms
from synthtrial.gans.patch_discriminator import PatchDiscriminator
from synthtrial.gans.phases import Batch, Phase, Terms, adam
from synthtrial.gans.pix2pix_networks import UNet, mask_networks
from synthtrial.gans.settings import check_keys


class Pix2Pix(GAN):
    """A U-Net that paints the image to a mask, and a discriminator that sees both.

    The generator G minimises `adversarial(D(G(m, z), m)) + l1 |G(m, z) - x|` over real pairs of an image x and its mask
    m, with noise z; the discriminator half the sum of its terms (section 3 of the paper, equations 1 to 4).

    Left to itself G ignores z, and makes one image per mask. With `diversity`, it also minimises
    `diversity |z - z'| / |G(m, z) - G(m, z')|` over two noises per mask (the mode-seeking term of Mao et al. 2019,
    arXiv 1903.05628, equation 4).

    With `mask_generator`, a small DCGAN learns the masks of the same cases beside it, and whole cases can be drawn from
    noise.

    Args:
        image_size: side of the image, or one length per axis, voxels.
        image_channels: channels C of the image, masks included.
        mask_channels: how many of them, the last ones, are masks.
        spatial_dims: 2 or 3.
        generator: keyword arguments of `pix2pix_networks.UNet`.
        discriminator: keyword arguments of `patch_discriminator.PatchDiscriminator`.
        mask_generator: keyword arguments of `pix2pix_networks.mask_networks`; None for masks from elsewhere.
        loss: a loss of `losses`.
        l1: weight of the absolute error; 100 as published.
        diversity: weight of the mode-seeking term; 0 as published.
        lr_g: learning rate of the generators.
        lr_d: learning rate of the discriminators.
        betas: Adam's decay of the first and second moment.
        augment: keyword arguments of `augmentation.Augmentation`, image and mask moved alike; None for none.

    Attributes:
        makes_masks: whether `sample` can do without masks.

    Raises:
        ConfigError: for a size that it can't make, or a cohort without masks.
    """

    conditions_on: Literal["", "label", "source", "mask"] = "mask"

    generator: nn.ModuleDict
    generator_ema: nn.ModuleDict

    def __init__(
        self,
        *,
        image_size: int | Sequence[int],
        image_channels: int,
        mask_channels: int,
        spatial_dims: int,
        generator: dict[str, Any],
        discriminator: dict[str, Any],
        mask_generator: dict[str, Any] | None,
        loss: str,
        l1: float,
        diversity: float,
        lr_g: float,
        lr_d: float,
        betas: Sequence[float],
        augment: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(adam(lr_g, betas), adam(lr_d, betas))
        if not 1 <= mask_channels < image_channels:
            raise ConfigError(
                f"Pix2Pix makes images to masks: of image_channels={image_channels} at least one must be a mask and "
                f"one an image, but mask_channels={mask_channels}"
            )
        if min(l1, diversity) < 0:
            raise ConfigError(f"the weights l1={l1} and diversity={diversity} must be at least 0")
        check_keys(generator, "generator", UNet)
        check_keys(discriminator, "discriminator", PatchDiscriminator)
        check_keys(mask_generator or {}, "mask_generator", mask_networks)
        size = as_size(image_size, spatial_dims)
        self.mask_channels, self.l1, self.diversity = mask_channels, l1, diversity
        self.loss = check_loss(loss)
        self.augment = Augmentation.from_config(augment, spatial_dims)
        painter = UNet(size, mask_channels, image_channels - mask_channels, **generator)
        if diversity and not painter.noise_channels:
            raise ConfigError("diversity compares images of different noise: it needs generator.noise_channels above 0")
        self.noise_shape = (painter.noise_channels, *size)
        self.generator = nn.ModuleDict({"image": painter})
        self.discriminator = PatchDiscriminator(size, image_channels, **discriminator)
        start_gaussian(self)
        self.makes_masks = mask_generator is not None
        if mask_generator is not None:
            self.generator["mask"], self.mask_discriminator = mask_networks(size, mask_channels, **mask_generator)
            self.mask_latent = mask_generator["latent"]
        channels_last(self)
        self.generator_ema = ema.frozen_copy(self.generator)

    def phases(self) -> list[Phase]:
        """Discriminator and generator of images, then those of masks."""
        on_d, on_g = self.discriminator_optimizer, self.generator_optimizer
        phases = [
            Phase("discriminator", [self.discriminator], self.discriminator_terms, on_d),
            Phase("generator", [self.generator["image"]], self.generator_terms, on_g),
        ]
        if self.makes_masks:
            phases += [
                Phase("mask_discriminator", [self.mask_discriminator], self.mask_discriminator_terms, on_d),
                Phase("mask_generator", [self.generator["mask"]], self.mask_generator_terms, on_g),
            ]
        return phases

    def mask_of(self, cases: Tensor) -> Tensor:
        """The mask channels `(B, mask_channels, *spatial)` of whole cases."""
        return cases[:, -self.mask_channels :]

    def image_of(self, cases: Tensor) -> Tensor:
        """The other channels of whole cases, `(B, C - mask_channels, *spatial)`."""
        return cases[:, : -self.mask_channels]

    def painted(self, generator: nn.ModuleDict, mask: Tensor, noise: Tensor) -> Tensor:
        """Whole cases: images that a generator makes to masks, and the masks."""
        return torch.cat([generator["image"](mask, noise), mask], dim=1)

    def fake(self, batch: Batch) -> Tensor:
        """Whole cases `(B, C, *spatial)` to the masks of the real ones, from fresh noise."""
        return self.painted(self.generator, self.mask_of(batch["real"]), self.noise(len(batch["real"])))

    def noise(self, n: int) -> Tensor:
        """Fresh noise beside n masks, `(n, noise_channels, *spatial)`."""
        return randn(n, *self.noise_shape, device=self.device)

    def discriminator_loss(self, real: Tensor, fake: Tensor, batch: Batch) -> Terms:
        """Half the chosen loss per patch, as published, on augmented cases."""
        on_real, on_fake = self.judge(real), self.judge(fake)
        self.history.add("discriminator/accuracy", accuracy(self.loss, on_real, on_fake))
        return {name: value / 2 for name, value in discriminator_terms(self.loss, on_real, on_fake).items()}

    def generator_terms(self, batch: Batch) -> Terms:
        """The generator's loss on fresh fakes, and the weighted likeness of two images to each mask."""
        if not self.diversity:
            return super().generator_terms(batch)
        n, mask = len(batch["real"]), self.mask_of(batch["real"])
        noise, other_noise = self.noise(n), self.noise(n)
        fake = self.painted(self.generator, mask, noise)
        other = self.painted(self.generator, mask, other_noise)
        apart = F.l1_loss(self.image_of(fake), self.image_of(other)).float()
        alike = F.l1_loss(noise, other_noise) / (apart + 1e-5)
        return self.generator_loss(fake, batch) | {"alike": self.diversity * alike}

    def generator_loss(self, fake: Tensor, batch: Batch) -> Terms:
        """The chosen loss per patch on augmented fakes, and the weighted absolute error of the image."""
        terms = generator_terms(self.loss, self.judge(fake))
        return terms | {"l1": self.l1 * F.l1_loss(self.image_of(fake), self.image_of(batch["real"]))}

    def judge(self, cases: Tensor) -> Tensor:
        """Logits per patch of augmented cases."""
        return self.discriminator(self.augment(cases, self.mask_channels))

    def fake_masks(self, n: int) -> Tensor:
        """Mask scores `(n, mask_channels, *spatial)` from fresh noise."""
        return self.generator["mask"](randn(n, self.mask_latent, device=self.device))

    def mask_discriminator_terms(self, batch: Batch) -> Terms:
        """The chosen loss on augmented masks, real ones and fakes without a graph."""
        real = self.mask_of(batch["real"])
        with torch.no_grad():
            fake = self.fake_masks(len(real))
        on_real, on_fake = self.judge_masks(torch.cat([real, fake])).chunk(2)
        self.history.add("mask_discriminator/accuracy", accuracy(self.loss, on_real, on_fake))
        return discriminator_terms(self.loss, on_real, on_fake)

    def mask_generator_terms(self, batch: Batch) -> Terms:
        """The chosen loss on augmented fakes."""
        return generator_terms(self.loss, self.judge_masks(self.fake_masks(len(batch["real"]))))

    def judge_masks(self, masks: Tensor) -> Tensor:
        """Logits `(B, 1)` of augmented masks."""
        return self.mask_discriminator(self.augment(masks, self.mask_channels))

    @torch.no_grad()
    def sample(self, n: int, rng: torch.Generator, condition: Tensor | None = None) -> Tensor:
        """Paint images to masks, and return whole cases `(n, C, *spatial)` in [-1, 1] by the averaged generator.

        Args:
            n: how many.
            rng: a CPU generator, which all noise is drawn from.
            condition: masks `(n, mask_channels, *spatial)`, 1 inside and -1 outside; None to draw them, too.

        Raises:
            ConfigError: without n masks, when it has no mask generator.
        """
        mask = self.sample_masks(n, rng) if condition is None else condition.to(self.device)
        if len(mask) != n:
            raise ConfigError(f"Pix2Pix makes one image to each mask: {n} were asked for, but {len(mask)} masks given")
        noise = torch.randn(n, *self.noise_shape, generator=rng).to(self.device)
        seed = int(torch.randint(2**31, (), generator=rng))
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(seed)  # of the dropout
            return self.painted(self.generator_ema, mask, noise)

    @torch.no_grad()
    def sample_masks(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw masks `(n, mask_channels, *spatial)`, 1 inside and -1 outside, at most one label per voxel.

        Raises:
            ConfigError: when it has no mask generator.
        """
        if not self.makes_masks:
            raise ConfigError("this Pix2Pix has no mask_generator: sample needs masks as `condition`")
        scores = self.generator_ema["mask"](torch.randn(n, self.mask_latent, generator=rng).to(self.device))
        inside = (scores > 0) & (scores == scores.amax(dim=1, keepdim=True))
        return torch.where(inside, 1.0, -1.0)
