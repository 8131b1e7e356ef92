"""An exponential moving average of the generator's weights: what is sampled from."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

Module = TypeVar("Module", bound=nn.Module)


def frozen_copy(module: Module) -> Module:
    """A copy that is only ever updated by averaging, and always in evaluation mode."""
    return copy.deepcopy(module).eval().requires_grad_(False)


def decay(images: int, images_seen: int, half_life: float, rampup: float = 0.05) -> float:
    """Weight of the old average after a step of `images` images (StyleGAN2-ADA, arXiv 2006.06676, appendix B).

    The half-life, in images, is no longer than `rampup` times the images seen, so that the average leaves the
    untrained weights behind soon.
    """
    return 0.5 ** (images / max(min(half_life, rampup * images_seen), 1e-8))


@torch.no_grad()
def update(average: nn.Module, module: nn.Module, weight: float) -> None:
    """Move the average's parameters towards the module's, `a <- weight a + (1 - weight) m`, and copy its buffers."""
    # All at once: a GPU would take longer to be told of each parameter by itself than to average it.
    get_ema_multi_avg_fn(weight)(list(average.parameters()), list(module.parameters()), None)
    for buffer, current_buffer in zip(average.buffers(), module.buffers(), strict=True):
        buffer.copy_(current_buffer)
