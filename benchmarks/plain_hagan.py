"""HA-GAN trained by a plain loop, as one would write it first; benchmarks/hagan.py times it beside synthtrial's.

The networks, the random numbers and the updates are those of synthtrial's training, a test holds that. What is left out
is all that makes it quick: full precision, PyTorch's own layout, upsampled copies made whole, PyTorch's default Adam,
nothing compiled, every batch loaded and copied when it is needed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthtrial.gans import ema
from synthtrial.gans.hagan import HAGAN
from synthtrial.gans.hagan_networks import LATENT_STRIDE
from synthtrial.gans.layers import UpsampledConv
from synthtrial.speed import lay_out

RATES = {"discriminator": 4e-4, "generator": 1e-4, "encoder_high": 1e-4, "encoder_global": 1e-4}
"""Learning rate of each network, in the order of their updates."""


def train(gan: HAGAN, batches: Iterable[dict[str, Any]], device: torch.device, on_step: Callable[[], None]) -> None:
    """Train HA-GAN's four networks and average the generator.

    Args:
        gan: the networks, and the schedule with its half-life.
        batches: as synthtrial's loader gives them.
        device: where to train.
        on_step: called after every step.
    """
    make_plain(gan)
    gan.to(device).train()
    networks = {name: getattr(gan, name) for name in RATES}
    optimizers = {
        name: torch.optim.Adam(networks[name].parameters(), lr=rate, betas=(0.0, 0.999)) for name, rate in RATES.items()
    }
    images_seen = 0
    for batch in batches:
        real = batch["real"].to(device)
        torch.manual_seed(int(np.random.SeedSequence((gan.seed, images_seen, 0)).generate_state(1)[0]))
        start = LATENT_STRIDE * int(torch.randint(0, (gan.size - gan.slab) // LATENT_STRIDE + 1, ()))
        slab, low = real.narrow(2, start, gan.slab), F.avg_pool3d(real, LATENT_STRIDE)
        losses: dict[str, Callable[[], Tensor]] = {
            "discriminator": partial(discriminator_loss, gan, slab, low, start),
            "generator": partial(generator_loss, gan, len(real), start),
            "encoder_high": partial(slab_loss, gan, slab),
            "encoder_global": partial(volume_loss, gan, real, slab, low, start),
        }
        for name, loss in losses.items():
            for other, network in networks.items():
                network.requires_grad_(other == name)
            optimizers[name].zero_grad()
            loss().backward()
            optimizers[name].step()
        images_seen += len(real)
        weight = ema.decay(len(real), images_seen, gan.schedule.ema_half_life)
        with torch.no_grad():
            for kept, now in zip(gan.generator_ema.parameters(), gan.generator.parameters(), strict=True):
                kept.mul_(weight).add_(now, alpha=1 - weight)
        on_step()


def make_plain(gan: nn.Module) -> None:
    """Undo what makes the networks quick; their weights stay."""
    lay_out(gan, channels_last=False)
    for module in gan.modules():
        if isinstance(module, UpsampledConv):
            module.smallest = sys.maxsize  # always upsample, then convolve


def made(gan: HAGAN, noise: Tensor, start: int) -> tuple[Tensor, Tensor]:
    """A slab and the low-resolution image of a noise."""
    volume = gan.generator.latent_volume(noise)
    return gan.slab_image(volume, start), gan.generator.low(volume)


def discriminator_loss(gan: HAGAN, slab: Tensor, low: Tensor, start: int) -> Tensor:
    """The discriminator's loss on real and fake slabs and low-resolution images."""
    with torch.no_grad():
        fake_slab, fake_low = made(gan, torch.randn(len(slab), gan.latent, device=slab.device), start)
    logits = gan.discriminator(torch.cat([slab, fake_slab]), torch.cat([low, fake_low]), start)
    on_real, on_fake = logits.chunk(2)
    return F.softplus(-on_real).mean() + F.softplus(on_fake).mean()


def generator_loss(gan: HAGAN, batch_size: int, start: int) -> Tensor:
    """The generator's loss on fresh fakes."""
    noise = torch.randn(batch_size, gan.latent, device=next(gan.parameters()).device)
    return F.softplus(-gan.discriminator(*made(gan, noise, start), start)).mean()


def slab_loss(gan: HAGAN, slab: Tensor) -> Tensor:
    """E^H's loss: the error of a slab that was encoded and made again."""
    return F.l1_loss(gan.generator.high(gan.encoder_high(slab)), slab)


def volume_loss(gan: HAGAN, real: Tensor, slab: Tensor, low: Tensor, start: int) -> Tensor:
    """E^G's loss: the errors of a volume that was encoded and made again."""
    with torch.no_grad():
        volume = torch.cat([gan.encoder_high(piece) for piece in real.split(gan.slab, dim=2)], dim=2)
    made_slab, made_low = made(gan, gan.encoder_global(volume), start)
    return F.l1_loss(made_slab, slab) / 2 + F.l1_loss(made_low, low) / 2
