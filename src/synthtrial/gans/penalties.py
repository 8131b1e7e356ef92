"""Penalties on a discriminator's gradient, per sample, in full precision and with a graph of their own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from synthtrial.gans.draws import rand
from synthtrial.gans.precision import full_precision

Judge = Callable[[Tensor], Tensor]
"""Logits, of any shape, of images `(B, C, *spatial)`."""


def gradient_penalty(critic: Judge, real: Tensor, fake: Tensor) -> Tensor:
    """How far the critic's slope is from 1 between real and fake, `E[(|grad D(x)| - 1)^2]`, without its weight.

    Each sample has its own point x on the line from a fake to a real image; the norm is over all of a sample
    (Gulrajani et al. 2017, arXiv 1704.00028, equation 3). Real and fake are `(B, C, *spatial)`.
    """
    share = rand(len(real), *[1] * (real.dim() - 1), device=real.device)
    between = torch.lerp(fake.float(), real.float(), share)
    slope = input_gradient(critic, between).norm(dim=1)
    return (slope - 1).square().mean()


def r1(discriminator: Judge, real: Tensor) -> Tensor:
    """The squared slope of the discriminator at real images, `E[|grad D(x)|^2]`, without its weight gamma / 2.

    Mescheder et al. 2018 (arXiv 1801.04406), equation 9. Real images are `(B, C, *spatial)`.
    """
    return input_gradient(discriminator, real.float()).square().sum(dim=1).mean()


def input_gradient(judge: Judge, images: Tensor) -> Tensor:
    """The gradient of each sample's summed logits by its voxels, `(B, voxels)`, which can be differentiated again.

    `judge` must treat every sample on its own: batch norm would mix their gradients.
    """
    images = images.detach().requires_grad_()
    with full_precision(images.device):
        logits = judge(images)
        (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.flatten(1)
