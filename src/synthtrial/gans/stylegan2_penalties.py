"""The lazy penalties of StyleGAN2 (Karras et al. 2019, arXiv 1912.04958): R1 and path length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import torch
from torch import Tensor, nn

from synthtrial.errors import ConfigError
from synthtrial.gans.penalties import r1
from synthtrial.gans.phases import OptimizerFactory, adam


class R1:
    """The discriminator's squared slope at real images (Mescheder et al. 2018, arXiv 1801.04406, equation 9).

    Args:
        gamma: its weight, which is halved; 0 for none; null for the rule of StyleGAN2-ADA, 0.0002 times the voxels of
            an image over the images of a batch.
        interval: steps from one to the next.
    """

    def __init__(self, *, gamma: float | None = None, interval: int = 16) -> None:
        check_interval(interval, "r1")
        if gamma is not None and gamma < 0:
            raise ConfigError(f"r1.gamma={gamma} must be at least 0")
        self.gamma, self.interval = gamma, interval
        self.active = gamma != 0

    def __call__(self, judge: Callable[[Tensor], Tensor], real: Tensor, batch_size: int) -> Tensor:
        """The weighted penalty.

        Args:
            judge: the discriminator's logits of images, augmentation included.
            real: real images `(B, C, *spatial)`.
            batch_size: images of a batch, for the rule.
        """
        gamma = 0.0002 * prod(real.shape[2:]) / batch_size if self.gamma is None else self.gamma
        return r1(judge, real) * (gamma / 2 * self.interval)


class PathLength(nn.Module):
    """How far the generator's slope by the style is from its running mean (equation 4 and appendix B).

    Args:
        weight: its weight; 0 for none.
        interval: steps from one to the next.
        decay: how fast the mean follows.
        share: part of the batch that it is computed on, to save memory.
    """

    mean: Tensor

    def __init__(self, *, weight: float = 2.0, interval: int = 4, decay: float = 0.01, share: float = 0.5) -> None:
        super().__init__()
        check_interval(interval, "path_length")
        if weight < 0 or not 0 < decay <= 1 or not 0 < share <= 1:
            raise ConfigError(
                f"path_length takes a weight of at least 0, and a decay and a share in (0, 1], not {weight}, {decay} "
                f"and {share}"
            )
        self.weight, self.interval, self.decay, self.share = weight, interval, decay, share
        self.active = weight > 0
        self.register_buffer("mean", torch.zeros(()))

    def samples(self, n: int) -> int:
        """How many samples it takes from a batch of `n`."""
        return max(1, int(n * self.share))

    def forward(self, images: Tensor, styles: Tensor) -> Tensor:
        """The weighted penalty.

        Args:
            images: samples `(B, C, *spatial)`, with a graph from
            styles: `(B, layers, style)`.
        """
        noise = torch.randn_like(images) / prod(images.shape[2:]) ** 0.5
        (slope,) = torch.autograd.grad((images * noise).sum(), styles, create_graph=True)
        lengths = slope.square().sum(dim=2).mean(dim=1).sqrt()
        mean = self.mean.lerp(lengths.mean(), self.decay)
        self.mean.copy_(mean.detach())
        return (lengths - mean).square().mean() * (self.weight * self.interval)


def check_interval(interval: int, name: str) -> None:
    """Raise a ConfigError for an interval below one step."""
    if interval < 1:
        raise ConfigError(f"{name}.interval={interval} must be at least 1")


def lazy_adam(lr: float, betas: Sequence[float], penalty: R1 | PathLength) -> OptimizerFactory:
    """Adam for networks that a penalty updates once more in every `interval` steps (appendix B).

    So that one round of steps changes them as without it, the learning rate is multiplied, and the betas are raised, by
    c = interval / (interval + 1).
    """
    share = penalty.interval / (penalty.interval + 1) if penalty.active else 1.0
    return adam(lr * share, [beta**share for beta in betas])
