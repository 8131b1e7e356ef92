"""Wasserstein GAN, with clipped weights (arXiv 1701.07875) or a gradient penalty (arXiv 1704.00028), in 2D and 3D."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from synthtrial.errors import ConfigError
from synthtrial.gans import ema
from synthtrial.gans.augmentation import Augmentation
from synthtrial.gans.base import GAN
from synthtrial.gans.fitting import as_size
from synthtrial.gans.layers import channels_last
from synthtrial.gans.penalties import gradient_penalty
from synthtrial.gans.perceptual import PerceptualLoss
from synthtrial.gans.phases import Batch, OptimizerFactory, Penalty, Phase, Terms, adam, rmsprop
from synthtrial.gans.wgan_networks import build_networks


class WGAN(GAN):
    """A generator against a critic, which estimates how far apart the distributions of real and fake are.

    The critic's score has no boundary between real and fake. The mean score of real images less that of fakes is, up to
    a factor, the Wasserstein distance of the two, as long as the score's slope is bounded: by clipping every weight, or
    by a penalty on slopes other than 1. The critic learns in every step, each time from new images; the generator in
    every `n_critic`-th.

    Args:
        image_size: side of the image, or one length per axis, voxels.
        image_channels: channels C of the image, masks included.
        spatial_dims: 2 or 3.
        network: `dcgan`, `unet` or `residual`, see `wgan_networks.build_networks`.
        latent: length of the noise vector; for `unet` and `residual` channels of the noise volume.
        noise: `vector`; for `unet` and `residual` `white` or `pyramid`, see `noise.Noise`.
        generator: keyword arguments of the generator.
        discriminator: keyword arguments of the critic.
        clip: largest size of the critic's weights; null for none.
        penalty: weight of the gradient penalty; null for none.
        n_critic: updates of the critic per update of the generator.
        optimizer: `rmsprop` or `adam`.
        lr_g: learning rate of the generator.
        lr_d: learning rate of the critic.
        betas: Adam's decay of the first and second moment; null for RMSprop.
        perceptual_weights: file for `perceptual.PerceptualLoss` between fakes and the batch's real images, in 2D; null
            for none. Fake and real don't belong together, so it draws every fake to the middle of all real images.
        perceptual_factor: weight of that loss.
        augment: keyword arguments of `augmentation.Augmentation`; null for none.

    Raises:
        ConfigError: when not exactly one of `clip` and `penalty` is given, when the critic's layers can't go with it,
            or when the networks can't make the image size.
    """

    def __init__(
        self,
        *,
        image_size: int | Sequence[int],
        image_channels: int,
        spatial_dims: int,
        network: str,
        latent: int,
        noise: str,
        generator: dict[str, Any],
        discriminator: dict[str, Any],
        clip: float | None,
        penalty: float | None,
        n_critic: int,
        optimizer: str,
        lr_g: float,
        lr_d: float,
        betas: Sequence[float] | None,
        perceptual_weights: str | None = None,
        perceptual_factor: float = 1.0,
        augment: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(make_optimizer(optimizer, lr_g, betas), make_optimizer(optimizer, lr_d, betas))
        check_bound(clip, penalty, discriminator)
        if n_critic < 1:
            raise ConfigError(f"n_critic={n_critic} must be at least 1")
        self.augment = Augmentation.from_config(augment, spatial_dims)
        if perceptual_weights is not None and spatial_dims != 2:
            raise ConfigError("perceptual_weights are for 2D images: set perceptual_weights=null for volumes")
        self.perceptual = None if perceptual_weights is None else PerceptualLoss(perceptual_weights)
        self.perceptual_factor = perceptual_factor
        self.clip, self.penalty, self.n_critic = clip, penalty, n_critic
        self.generator, self.discriminator, self.noise = build_networks(
            network, as_size(image_size, spatial_dims), image_channels, latent, noise, generator, discriminator
        )
        channels_last(self)
        self.generator_ema = ema.frozen_copy(self.generator)

    def phases(self) -> list[Phase]:
        """The critic in every step, the generator in every `n_critic`-th."""
        critic, generator = super().phases()
        clip = None if self.clip is None else partial(clip_weights, self.discriminator, self.clip)
        return [replace(critic, after=clip), replace(generator, interval=self.n_critic)]

    def penalties(self) -> list[Penalty]:
        """The gradient penalty on the critic, in every step."""
        return [] if self.penalty is None else [Penalty("discriminator", self.penalty_terms)]

    def penalty_terms(self, batch: Batch) -> Terms:
        """The gradient penalty between augmented real images and the fakes that the critic has just judged."""
        assert self.penalty is not None
        real, fake = self.augment(batch["real"]), self.augment(batch["fake"])
        return {"penalty": self.penalty * gradient_penalty(self.discriminator, real, fake)}

    def fake(self, batch: Batch) -> Tensor:
        """Samples `(B, C, *spatial)` from fresh noise."""
        return self.generator(self.noise(len(batch["real"]), self.device))

    def discriminator_loss(self, real: Tensor, fake: Tensor, batch: Batch) -> Terms:
        """Mean scores of augmented images, real ones to be raised and fakes lowered; their difference is logged too."""
        on_real = self.discriminator(self.augment(real)).float().mean()
        on_fake = self.discriminator(self.augment(fake)).float().mean()
        self.history.add("discriminator/wasserstein", on_real - on_fake)
        return {"real": -on_real, "fake": on_fake}

    def generator_loss(self, fake: Tensor, batch: Batch) -> Terms:
        """The mean score of augmented fakes, to be raised, and how different they look from the batch's real images."""
        terms = {"adversarial": -self.discriminator(self.augment(fake)).mean()}
        if self.perceptual is not None:
            terms["perceptual"] = self.perceptual_factor * self.perceptual(fake, batch["real"])
        return terms

    def draw_noise(self, n: int, rng: torch.Generator) -> Tensor:
        """Noise of the kind that was chosen, `(n, ...)`."""
        return self.noise(n, rng=rng)

    @torch.no_grad()
    def decode(self, noise: Tensor, rng: torch.Generator, condition: Tensor | None = None) -> Tensor:
        """Make `(n, C, *spatial)` in [-1, 1] by the averaged generator."""
        return self.generator_ema(noise.to(self.device))


@torch.no_grad()
def clip_weights(network: nn.Module, most: float) -> None:
    """Bring every parameter back to [-most, most] (arXiv 1701.07875, algorithm 1)."""
    for parameter in network.parameters():
        parameter.clamp_(-most, most)


def make_optimizer(name: str, lr: float, betas: Sequence[float] | None) -> OptimizerFactory:
    """RMSprop, or Adam with its betas.

    Raises:
        ConfigError: for another name, RMSprop with betas, or Adam without.
    """
    if name == "rmsprop" and betas is None:
        return rmsprop(lr)
    if name == "adam" and betas is not None:
        return adam(lr, betas)
    raise ConfigError(
        f"optimizer is {name!r} with betas={betas}: choose rmsprop with betas=null, or adam with two betas"
    )


def check_bound(clip: float | None, penalty: float | None, critic: dict[str, Any]) -> None:
    """Raise a ConfigError unless exactly one bound is set, above 0, and the critic's layers can go with it."""
    if (clip is None) == (penalty is None):
        raise ConfigError(f"a WGAN needs either clip or penalty, and null for the other; not {clip=}, {penalty=}")
    if (clip or penalty or 0) <= 0:
        raise ConfigError(f"clip or penalty must be above 0, not {clip if penalty is None else penalty}")
    if clip is not None and critic.get("spectral_norm"):
        raise ConfigError("discriminator.spectral_norm rescales the weights that clip bounds: choose one of them")
    if penalty is not None and critic.get("norm") == "batch":
        raise ConfigError(
            "discriminator.norm=batch ties the samples of a batch together, but the gradient penalty is per sample: "
            "choose group or null"
        )
