"""Training in several processes that average their gradients."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from pytorch_lightning.strategies import DDPStrategy
from torch import nn

from synthtrial.processes import averaged, place


class AveragedGradients(DDPStrategy):
    """Processes that each run the whole step on their part of a batch.

    Lightning's own strategy wraps the model so that gradients are averaged while they are computed, once per backward
    pass and for all networks. A step here has several passes, each for some of the networks; so the training step
    averages the gradients of a phase itself, see `average_gradients`.
    """

    def configure_ddp(self) -> None:
        """Leave the model as it is."""


@torch.no_grad()
def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace gradients by their mean over all processes; does nothing in a single one."""
    if place()[1] == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = averaged(torch.cat([gradient.reshape(-1) for gradient in gradients]))
    for gradient, mean in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))
