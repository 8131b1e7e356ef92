"""HA-GAN with a gradient penalty, the variant for small training sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from synthtrial.errors import ConfigError
from synthtrial.gans.hagan import GENERATOR_CLASS_WEIGHT, HAGAN
from synthtrial.gans.penalties import gradient_penalty
from synthtrial.gans.phases import Batch, Penalty, Phase, Terms


class HAGANGP(HAGAN):
    """HA-GAN whose D^H and D^L are two critics, each with a Wasserstein loss and a gradient penalty of its own.

    WGAN-GP (Gulrajani et al. 2017, arXiv 1704.00028, equation 3 and algorithm 1). Every step trains the critics; the
    generator and the encoders learn in every `n_critic`-th, so that they need `n_critic` times as many images.

    Args:
        image_size: side of the cube, 32, 64, 128 or 256 voxels; this and all that follow but two as of `HAGAN`.
        image_channels: channels C of the image, masks included.
        spatial_dims: 3.
        latent: length of the noise vector.
        width: channels of the latent volume, a multiple of 16.
        penalty: weight of each critic's gradient penalty.
        n_critic: updates of the critics per update of the other networks.
        lr_g: learning rate of the generator.
        lr_d: learning rate of the critics.
        lr_e: learning rate of both encoders.
        betas: Adam's decay of the first and second moment.
        spectral_norm: whether the critics have spectral norm, too. The penalty wants a slope of 1, which spectral norm,
            keeping every layer's at 1 or below, can put out of reach.
        augment: keyword arguments of `augmentation.Augmentation`, within slices only; null for none.
        n_classes: classes that it is asked for; 0 when all cases are alike to it.

    Raises:
        ConfigError: for a size that it can't make, or a negative `penalty`.
    """

    def __init__(
        self,
        *,
        image_size: int | Sequence[int],
        image_channels: int,
        spatial_dims: int,
        latent: int,
        width: int,
        penalty: float,
        n_critic: int,
        lr_g: float,
        lr_d: float,
        lr_e: float,
        betas: Sequence[float],
        spectral_norm: bool,
        augment: dict[str, Any] | None = None,
        n_classes: int = 0,
    ) -> None:
        super().__init__(
            image_size=image_size,
            image_channels=image_channels,
            spatial_dims=spatial_dims,
            latent=latent,
            width=width,
            lr_g=lr_g,
            lr_d=lr_d,
            lr_e=lr_e,
            betas=betas,
            spectral_norm=spectral_norm,
            augment=augment,
            n_classes=n_classes,
        )
        if penalty < 0 or n_critic < 1:
            raise ConfigError(f"penalty={penalty} must be at least 0 and n_critic={n_critic} at least 1")
        self.loss = "wasserstein"
        self.penalty = penalty
        self.n_critic = n_critic

    def phases(self) -> list[Phase]:
        """The critics in every step; generator, E^H and E^G in every `n_critic`-th."""
        critics, *others = super().phases()
        return [critics, *(replace(phase, interval=self.n_critic) for phase in others)]

    def compilable(self) -> list[nn.Module]:
        """As HA-GAN's, but for the critics, whose gradient is differentiated again by the penalty."""
        critics = set(self.discriminator.children())
        return [network for network in super().compilable() if network not in critics]

    def discriminator_loss(self, real: Tensor, fake: tuple[Tensor, Tensor], batch: Batch) -> Terms:
        """Each critic's Wasserstein loss, `D(fake) - D(real)`, and the cross-entropy of the real cases' classes."""
        slab, low = fake
        high, low = self.judge_apart(torch.cat([batch["slab"], slab]), torch.cat([batch["low"], low]), batch["start"])
        return {
            "high": wasserstein(high),
            "low": wasserstein(low),
            **self.class_terms((high + low).chunk(2)[0] / 2, batch),
        }

    def generator_loss(self, fake: tuple[Tensor, Tensor], batch: Batch) -> Terms:
        """What each critic thinks of the fakes, negated, and a little of the classes' cross-entropy."""
        high, low = self.judge_apart(*fake, batch["start"])
        return {
            "high": -high[:, 0].mean(),
            "low": -low[:, 0].mean(),
            **self.class_terms((high + low) / 2, batch, GENERATOR_CLASS_WEIGHT),
        }

    def judge_apart(self, slab: Tensor, low: Tensor, start: int) -> tuple[Tensor, Tensor]:
        """Outputs `(B, 1 + n_classes)` of D^H and of D^L, for views moved alike."""
        slab, low = self.augment.together(slab, low)
        return self.discriminator.judge_slab(slab, start), self.discriminator.low(low)

    def penalties(self) -> list[Penalty]:
        """A gradient penalty of each critic, in every step."""
        return [Penalty("discriminator", self.penalty_terms)]

    def penalty_terms(self, batch: Batch) -> Terms:
        """The weighted penalties between augmented real cases and the fakes that the critics have just seen."""
        real_slab, real_low = self.augment.together(batch["slab"], batch["low"])
        fake_slab, fake_low = self.augment.together(*batch["fake"])
        d = self.discriminator
        high = gradient_penalty(lambda x: d.judge_slab(x, batch["start"])[:, 0], real_slab, fake_slab)
        low = gradient_penalty(lambda x: d.low(x)[:, 0], real_low, fake_low)
        return {"penalty_high": self.penalty * high, "penalty_low": self.penalty * low}


def wasserstein(outputs: Tensor) -> Tensor:
    """A critic's loss from its outputs `(2B, K)` for real cases, then fakes; the first of K is its judgement."""
    on_real, on_fake = outputs[:, 0].float().chunk(2)
    return on_fake.mean() - on_real.mean()
