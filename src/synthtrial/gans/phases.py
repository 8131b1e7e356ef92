"""The training schedule as data: which networks learn from which loss, and how often."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from synthtrial.errors import ConfigError

Batch = dict[str, Any]
"""What a step learns from: `real (B, C, *spatial)` in [-1, 1], and what a family adds in `prepare_batch`."""
Terms = dict[str, Tensor]
"""Named loss terms, scalars whose sum is minimised; the names are those of the log."""
OptimizerFactory = Callable[[Iterable[nn.Parameter]], Optimizer]


@dataclass(frozen=True)
class Phase:
    """One update within a step.

    Attributes:
        name: prefix of its terms in the log, such as `discriminator`.
        modules: the networks that it updates; no other parameter requires a gradient meanwhile.
        loss: the batch's named terms.
        optimizer: makes the phase's optimizer.
        interval: the phase runs in every `interval`-th step.
    """

    name: str
    modules: Sequence[nn.Module]
    loss: Callable[[Batch], Terms]
    optimizer: OptimizerFactory
    interval: int = 1

    def parameters(self) -> list[nn.Parameter]:
        """Every parameter that the phase updates."""
        return [parameter for module in self.modules for parameter in module.parameters()]


@dataclass(frozen=True)
class Penalty:
    """Terms added to a phase's loss in every `interval`-th step, computed in full precision.

    A lazy penalty multiplies its weight by `interval` itself (StyleGAN2, arXiv 1912.04958, section 3.1).
    """

    phase: str
    terms: Callable[[Batch], Terms]
    interval: int = 1


def adam(lr: float, betas: Sequence[float], eps: float = 1e-8) -> OptimizerFactory:
    """Adam in its fused form, which needs no temporary copies of the parameters.

    Raises:
        ConfigError: for a learning rate or a beta out of range.
    """
    if lr <= 0 or len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        raise ConfigError(f"Adam takes a learning rate above 0 and two betas in [0, 1), not {lr} and {list(betas)}")
    first, second = map(float, betas)
    return lambda parameters: torch.optim.Adam(parameters, lr=lr, betas=(first, second), eps=eps, fused=True)


def train_only(model: nn.Module, phase: Phase) -> None:
    """Let gradients flow into the phase's parameters alone."""
    model.requires_grad_(False)
    for module in phase.modules:
        module.requires_grad_(True)


def split_batch(batch: Batch, pieces: int) -> list[Batch]:
    """Cut every tensor of a batch into equal pieces along its first axis."""
    chunks = {key: torch.chunk(value, pieces) for key, value in batch.items()}
    return [{key: chunk[index] for key, chunk in chunks.items()} for index in range(pieces)]
