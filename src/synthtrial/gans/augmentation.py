"""Differentiable augmentation of what a discriminator sees, real and fake alike, image and mask moved together.

With few cases a discriminator learns them by heart; shown moved copies, it can't. The same random moves meet real and
fake, and pass gradients on (Zhao et al. 2020, arXiv 2006.10738). A mirror must be rarer than one half of the time, or
the generator can't tell which way round is right (Karras et al. 2020, arXiv 2006.06676, appendix C).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from synthtrial.errors import ConfigError


class Augmentation:
    """Random shifts and mirrors of `(B, C, *spatial)`, drawn per sample from torch's global random numbers.

    Args:
        shift: largest shift along each axis, as a fraction of its length; what moves in holds -1.
        mirror_axes: spatial axes that may be mirrored, 0 is the first.
        mirror_probability: how often each of them is.

    Raises:
        ConfigError: when mirrors would be as frequent as originals.
    """

    def __init__(
        self, *, shift: float = 0.0, mirror_axes: Sequence[int] = (), mirror_probability: float = 0.25
    ) -> None:
        if not 0 <= mirror_probability < 0.5:
            raise ConfigError(f"augment.mirror_probability={mirror_probability} must lie in [0, 0.5)")
        self.shift = shift
        self.mirror_axes = tuple(mirror_axes)
        self.mirror_probability = mirror_probability

    def __call__(self, images: Tensor) -> Tensor:
        """Move every sample of `(B, C, *spatial)` in its own way."""
        if self.shift:
            images = self._shifted(images)
        for axis in self.mirror_axes:
            chosen = torch.rand(len(images), *[1] * (images.dim() - 1), device=images.device) < self.mirror_probability
            images = torch.where(chosen, images.flip(2 + axis), images)
        return images

    def _shifted(self, images: Tensor) -> Tensor:
        spatial = images.shape[2:]
        margins = [round(self.shift * length) for length in spatial]
        padded = F.pad(images, [margin for margin in reversed(margins) for _ in range(2)], value=-1.0)
        starts = torch.stack([torch.randint(0, 2 * margin + 1, (len(images),)) for margin in margins], dim=1).tolist()
        moved = [
            sample[(slice(None), *(slice(a, a + n) for a, n in zip(start, spatial, strict=True)))]
            for sample, start in zip(padded, starts, strict=True)
        ]
        return torch.stack(moved)
