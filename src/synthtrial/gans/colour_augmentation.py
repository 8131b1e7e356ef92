"""Random changes of brightness and colour, as StyleGAN2-ADA draws them (arXiv 2006.06676, appendix B)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from synthtrial.gans.affine_augmentation import gated


def recoloured(images: Tensor, probability: Tensor) -> Tensor:
    """Change brightness and contrast, and negate; in images of three channels change hue and saturation, too.

    The paper's matrices all keep the grey axis apart from the plane across it, so they act on the mean of the channels
    and on the rest: brightness, contrast and negation on the mean; contrast, hue and saturation on the rest.

    Args:
        images: `(B, C, *spatial)`, in [-1, 1]; the result can leave that range.
        probability: how often each change is drawn for a sample.
    """
    n, device = len(images), images.device
    ones = [1] * (images.dim() - 1)
    brightness = gated(0.2 * torch.randn(n, *ones, device=device), probability, 0.0)
    contrast = gated(2 ** (0.5 * torch.randn(n, *ones, device=device)), probability, 1.0)
    sign = gated(1.0 - 2.0 * torch.randint(2, (n, *ones), device=device), probability, 1.0)
    grey = images.mean(dim=1, keepdim=True)
    rest = images - grey
    if images.shape[1] == 3:
        angle = gated((torch.rand(n, *ones, device=device) * 2 - 1) * math.pi, probability, 0.0)
        saturation = gated(2 ** torch.randn(n, *ones, device=device), probability, 1.0)
        # A rotation about the grey axis (1, 1, 1) / sqrt(3); the cross product with it is a difference of neighbours.
        across = (rest.roll(1, dims=1) - rest.roll(-1, dims=1)) / math.sqrt(3)
        rest = saturation * (angle.cos() * rest + angle.sin() * across)
    return contrast * (sign * (grey + brightness) + rest)
