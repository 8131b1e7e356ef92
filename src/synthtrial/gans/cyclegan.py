"""CycleGAN: translation between two domains without pairs (Zhu et al. 2017, arXiv 1703.10593)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthtrial.errors import ConfigError
from synthtrial.gans import ema
from synthtrial.gans.augmentation import Augmentation
from synthtrial.gans.base import GAN
from synthtrial.gans.cyclegan_networks import ResNetGenerator
from synthtrial.gans.fitting import as_size
from synthtrial.gans.image_pool import ImagePool
from synthtrial.gans.image_to_image import start_gaussian
from synthtrial.gans.layers import channels_last
from synthtrial.gans.losses import accuracy, discriminator_terms, generator_terms
from synthtrial.gans.patch_discriminator import PatchDiscriminator
from synthtrial.gans.phases import Batch, Phase, Terms, adam
from synthtrial.gans.settings import check_keys

DOMAINS = ("target", "source")
Fakes = tuple[Tensor, Tensor]
"""Sources translated to the target domain, and targets translated to the source domain, `(B, C, *spatial)` each."""


class CycleGAN(GAN):
    """Two generators, one per direction, that undo each other, and a discriminator for each domain.

    The generators G: source -> target and F: target -> source minimise, in one update before the discriminators',

        adversarial [(D_T(G(s)) - 1)^2 + (D_S(F(t)) - 1)^2]
        + cycle [|F(G(s)) - s| + |G(F(t)) - t|] + identity [|G(t) - t| + |F(s) - s|]

    (equations 1 to 3, with least squares as in section 4, and the identity loss of section 5.2). Each discriminator
    minimises half the squared error of its logits per patch, on its domain's images and on fakes from a pool of earlier
    ones. All channels are translated, so a mask goes along with its image.

    Args:
        image_size: side of the image, or one length per axis, voxels; multiples of 4.
        image_channels: channels C of the image, masks included.
        spatial_dims: 2 or 3.
        generator: keyword arguments of `cyclegan_networks.ResNetGenerator`, the same for both.
        discriminator: keyword arguments of `patch_discriminator.PatchDiscriminator`, the same for both.
        pool: fakes kept per domain, images; see `image_pool.ImagePool`.
        adversarial: weight of the adversarial terms.
        cycle: weight of the cycle terms.
        identity: weight of the identity terms; 0 leaves them out.
        lr_g: learning rate of the generators.
        lr_d: learning rate of the discriminators.
        betas: Adam's decay of the first and second moment.
        decay_from: share of the images, after which the learning rates fall linearly to zero; None for never.
        augment: keyword arguments of `augmentation.Augmentation`; null for none.

    Raises:
        ConfigError: for a size that it can't make, or a weight, pool or share out of range.
    """

    conditions_on: Literal["", "label", "source", "mask"] = "source"
    saved_networks: ClassVar[tuple[str, ...]] = ("generator_ema",)

    generator: nn.ModuleDict
    generator_ema: nn.ModuleDict
    discriminator: nn.ModuleDict

    def __init__(
        self,
        *,
        image_size: int | Sequence[int],
        image_channels: int,
        spatial_dims: int,
        generator: dict[str, Any],
        discriminator: dict[str, Any],
        pool: int,
        adversarial: float,
        cycle: float,
        identity: float,
        lr_g: float,
        lr_d: float,
        betas: Sequence[float],
        decay_from: float | None,
        augment: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(adam(lr_g, betas), adam(lr_d, betas))
        if pool < 0 or min(adversarial, cycle, identity) < 0:
            raise ConfigError(f"pool={pool} and the weights {adversarial}, {cycle}, {identity} must be at least 0")
        if decay_from is not None and not 0 <= decay_from < 1:
            raise ConfigError(f"decay_from={decay_from} must lie in [0, 1): it is a share of train.images")
        check_keys(generator, "generator", ResNetGenerator)
        check_keys(discriminator, "discriminator", PatchDiscriminator)
        size = as_size(image_size, spatial_dims)
        self.adversarial, self.cycle, self.identity = adversarial, cycle, identity
        self.decay_from = decay_from
        self.augment = Augmentation.from_config(augment, spatial_dims)
        self.generator = nn.ModuleDict(
            {f"to_{domain}": ResNetGenerator(size, image_channels, **generator) for domain in DOMAINS}
        )
        self.discriminator = nn.ModuleDict(
            {domain: PatchDiscriminator(size, image_channels, **discriminator) for domain in DOMAINS}
        )
        self.pools = nn.ModuleDict({domain: ImagePool(pool, (image_channels, *size)) for domain in DOMAINS})
        start_gaussian(self)
        channels_last(self)
        self.generator_ema = ema.frozen_copy(self.generator)

    def phases(self) -> list[Phase]:
        """Generators, then discriminators."""
        discriminator, generator = super().phases()
        return [generator, discriminator]

    def learning_rate_factor(self, progress: float) -> float:
        """1 up to `decay_from`, then a straight line down to 0 at the end."""
        if self.decay_from is None:
            return 1.0
        return min(1.0, max(0.0, 1 - progress) / (1 - self.decay_from))

    def fake(self, batch: Batch) -> Fakes:
        """Both translations of the batch."""
        return self.generator["to_target"](batch["source"]), self.generator["to_source"](batch["real"])

    def generator_terms(self, batch: Batch) -> Terms:
        """The generators' loss; the fakes are left in the batch for the discriminators."""
        to_target, to_source = self.fake(batch)
        batch["fake"] = to_target.detach(), to_source.detach()
        return self.generator_loss((to_target, to_source), batch)

    def discriminator_terms(self, batch: Batch) -> Terms:
        """The discriminators' loss on the fakes that the generators' update made."""
        if "fake" not in batch:
            return super().discriminator_terms(batch)
        return self.discriminator_loss(batch["real"], batch["fake"], batch)

    def generator_loss(self, fake: Fakes, batch: Batch) -> Terms:
        """Adversarial, cycle and identity terms of each domain."""
        fakes, reals = dict(zip(DOMAINS, fake, strict=True)), self.by_domain(batch)
        terms: Terms = {}
        for domain, other in (DOMAINS, DOMAINS[::-1]):
            translate, real = self.generator[f"to_{domain}"], reals[domain]
            believed = generator_terms("least_squares", self.judge(domain, fakes[domain]))["adversarial"]
            # The paper halves the discriminators' squares alone; `losses` halves both.
            terms[f"adversarial_{domain}"] = 2 * self.adversarial * believed
            terms[f"cycle_{domain}"] = self.cycle * F.l1_loss(translate(fakes[other]), real)
            if self.identity:
                terms[f"identity_{domain}"] = self.identity * F.l1_loss(translate(real), real)
        return terms

    def discriminator_loss(self, real: Tensor, fake: Fakes, batch: Batch) -> Terms:
        """Terms on real images and on fakes of now or earlier, of each domain."""
        terms: Terms = {}
        for (domain, images), fakes in zip(self.by_domain(batch).items(), fake, strict=True):
            on_real = self.judge(domain, images)
            on_fake = self.judge(domain, self.pools[domain](fakes))
            self.history.add("discriminator/accuracy", accuracy("least_squares", on_real, on_fake))
            found = discriminator_terms("least_squares", on_real, on_fake)
            terms |= {f"{name}_{domain}": value for name, value in found.items()}
        return terms

    def judge(self, domain: str, images: Tensor) -> Tensor:
        """Logits per patch of augmented images, by a domain's discriminator."""
        return self.discriminator[domain](self.augment(images))

    @staticmethod
    def by_domain(batch: Batch) -> dict[str, Tensor]:
        """The real images of each domain, in the order of `DOMAINS`."""
        return {"target": batch["real"], "source": batch["source"]}

    @torch.no_grad()
    def translate(self, images: Tensor) -> Tensor:
        """Translate source images `(B, C, *spatial)` to the target domain, by the averaged generator."""
        return self.generator_ema["to_target"](images)

    @torch.no_grad()
    def sample(self, n: int, rng: torch.Generator, condition: Tensor | None = None) -> Tensor:
        """Translate `condition`, n source images `(n, C, *spatial)`; nothing is drawn.

        Raises:
            ConfigError: without n images to translate.
        """
        if condition is None or len(condition) != n:
            raise ConfigError(f"CycleGAN translates images: sample needs {n} of the source domain as `condition`")
        return self.translate(condition.to(self.device))
