"""The mapping network of StyleGAN2: from noise, or a class, to a style (Karras et al. 2018, arXiv 1812.04948)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from synthtrial.gans.labels import UNKNOWN, one_hot
from synthtrial.gans.stylegan2_layers import EqualLinear


class Mapping(nn.Module):
    """From normalised noise, and a class, to a style w.

    Args:
        latent: length of the noise vector z; 0 to map the class alone.
        style: length of w.
        layers: dense layers, which learn 100 times more slowly than all others.
        n_classes: classes that can be asked for.
    """

    average: Tensor

    def __init__(self, latent: int, style: int, layers: int, n_classes: int = 0) -> None:
        super().__init__()
        self.embed = EqualLinear(n_classes, style) if n_classes else None
        features = [latent + (style if n_classes else 0), *[style] * layers]
        self.layers = nn.Sequential(
            *[EqualLinear(before, after, lr_multiplier=0.01, activate=True) for before, after in pairwise(features)]
        )
        self.n_classes = n_classes
        self.register_buffer("average", torch.zeros(style))

    def forward(self, z: Tensor, truncation: float = 1.0, label: Tensor | None = None) -> Tensor:
        """Styles `(B, style)`.

        Args:
            z: noise `(B, latent)`.
            truncation: how far styles lie from the average one: 1 as learned, 0 the average.
            label: index of each sample's class `(B,)`, -1 for none; None for no class at all.
        """
        x = normalised(z)
        if self.embed is not None:
            label = torch.full((len(z),), UNKNOWN, device=z.device) if label is None else label
            x = torch.cat([x, normalised(self.embed(one_hot(label, self.n_classes)))], dim=1)
        w = self.layers(x)
        return w if truncation == 1 else torch.lerp(self.average, w, truncation)

    @torch.no_grad()
    def track(self, w: Tensor, decay: float = 0.995) -> None:
        """Move the average style towards those of a batch."""
        self.average.lerp_(w.mean(dim=0), 1 - decay)


def normalised(x: Tensor) -> Tensor:
    """Scale `(B, F)` so that the mean square of every row is 1."""
    return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)
