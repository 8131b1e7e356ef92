"""The optimizer of a phase and its learning rate, step by step."""

from __future__ import annotations

import math
from typing import Any

import torch


def adamw(
    network: torch.nn.Module, *, lr: float, weight_decay: float, warmup: float, steps: int, fused: bool | None = None
) -> dict[str, Any]:
    """AdamW with the learning rate set at every step, as `LightningModule.configure_optimizers` returns it.

    Args:
        network: whose weights that take gradients are trained.
        lr: peak learning rate.
        weight_decay: decoupled weight decay.
        warmup: share of the steps over which the learning rate rises.
        steps: of the phase.
        fused: whether one kernel updates all weights; None: as PyTorch does by itself.
    """
    trained = [weights for weights in network.parameters() if weights.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=lr, weight_decay=weight_decay, fused=fused)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: learning_rate_factor(step, steps, warmup))
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def learning_rate_factor(step: int, steps: int, warmup: float) -> float:
    """Share of the peak learning rate at a step of `steps`: a linear rise, then half a cosine to zero.

    Args:
        step: from 0.
        steps: steps of the phase.
        warmup: share of them over which the rate rises.
    """
    warmup_steps = round(warmup * steps)
    if step < warmup_steps:
        return (step + 1) / (warmup_steps + 1)
    progress = (step - warmup_steps) / max(1, steps - warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
