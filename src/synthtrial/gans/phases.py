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
"""What a step learns from. The data loader gives

- `real (B, C, *spatial)` in [-1, 1],
- `label (B,)`, the index of each case's class among the generator's `classes`, -1 for none,
- `source (B, C, *spatial)`, cases to translate, where the family asks for them;

the training step adds `fake`, the last fakes that the discriminator saw, and a family what it likes in `prepare_batch`.
"""
Terms = dict[str, Tensor]
"""Named loss terms, scalars whose sum is minimised; the names are those of the log."""
Loss = Callable[[Batch], Terms]
OptimizerFactory = Callable[[Iterable[nn.Parameter], bool], Optimizer]
"""Makes an optimizer of parameters, in its fused form or not."""


@dataclass(frozen=True)
class Phase:
    """One update within a step.

    Attributes:
        name: prefix of its terms in the log, such as `discriminator`.
        modules: the networks that it updates; no other parameter requires a gradient meanwhile.
        loss: the batch's named terms.
        optimizer: makes the phase's optimizer.
        interval: the phase runs in every `interval`-th step.
        after: called when the networks have been updated, such as to clip their weights.
    """

    name: str
    modules: Sequence[nn.Module]
    loss: Loss
    optimizer: OptimizerFactory
    interval: int = 1
    after: Callable[[], None] | None = None

    def parameters(self) -> list[nn.Parameter]:
        """Every parameter that the phase updates."""
        return [parameter for module in self.modules for parameter in module.parameters()]


@dataclass(frozen=True)
class Penalty:
    """Terms that join a phase in every `interval`-th step, computed in full precision.

    A lazy penalty multiplies its weight by `interval` itself (StyleGAN2, arXiv 1912.04958, section 3.1).

    Attributes:
        phase: name of the phase.
        terms: the batch's named terms.
        interval: the penalty is due in every `interval`-th step.
        own_update: whether it updates the phase's networks by itself, after their loss has, with the same optimizer;
            otherwise its gradients join those of the loss.
    """

    phase: str
    terms: Loss
    interval: int = 1
    own_update: bool = False


def adam(lr: float, betas: Sequence[float], eps: float = 1e-8) -> OptimizerFactory:
    """Adam; its fused form needs no temporary copies of the parameters.

    Raises:
        ConfigError: for a learning rate or a beta out of range.
    """
    if lr <= 0 or len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        raise ConfigError(f"Adam takes a learning rate above 0 and two betas in [0, 1), not {lr} and {list(betas)}")
    first, second = map(float, betas)
    return lambda parameters, fused: torch.optim.Adam(parameters, lr=lr, betas=(first, second), eps=eps, fused=fused)


def rmsprop(lr: float) -> OptimizerFactory:
    """RMSprop with PyTorch's own settings, the optimizer of WGAN (Arjovsky et al. 2017, arXiv 1701.07875).

    PyTorch has no fused form of it.

    Raises:
        ConfigError: for a learning rate that is not above 0.
    """
    if lr <= 0:
        raise ConfigError(f"RMSprop takes a learning rate above 0, not {lr}")
    return lambda parameters, fused: torch.optim.RMSprop(parameters, lr=lr)


def train_only(model: nn.Module, phase: Phase) -> None:
    """Let gradients flow into the phase's parameters alone."""
    model.requires_grad_(False)
    for module in phase.modules:
        module.requires_grad_(True)


def split_batch(batch: Batch, pieces: int) -> list[Batch]:
    """Cut every tensor of a batch into equal pieces along its first axis."""
    chunks = {key: torch.chunk(value, pieces) for key, value in batch.items()}
    return [{key: chunk[index] for key, chunk in chunks.items()} for index in range(pieces)]
