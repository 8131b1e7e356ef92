"""Operations and memory of one training step, counted on shapes alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

BATCH = 2
"""Images of the counted step: batch norm needs two. Operations and activations grow with the number of images."""


@dataclass(frozen=True)
class StepCost:
    """Cost of learning from one image.

    Attributes:
        flops: operations of convolutions and matrix products, forward and backward, per image; a multiplication and an
            addition are two.
        activation_bytes: what the largest backward pass keeps in full precision, per image.
        weight_bytes: weights, gradients and both of Adam's moments, in full precision.
        parameters: number of weights that learn.
    """

    flops: float
    activation_bytes: float
    weight_bytes: float
    parameters: int


class Operations(TorchDispatchMode):
    """Counts by torch's own formulas. Its FlopCounterMode also follows modules, and so can't do gradient penalties."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        answer = function(*args, **(kwargs or {}))
        if formula := flop_registry.get(function._overloadpacket):
            self.total += formula(*args, **(kwargs or {}), out_val=answer)
        return answer


class StepCounter:
    """Counts losses and their backward passes."""

    def __init__(self) -> None:
        self.flops, self.largest = 0.0, 0

    def count(self, loss: Callable[[], Tensor], every: int = 1) -> None:
        """Run a loss and its backward pass, which is due in every `every`-th step."""
        kept: dict[
            int, tuple[Any, int]
        ] = {}  # the storages are held, so that no later one gets the number of a freed one

        def keep(tensor: Tensor) -> Tensor:
            if not isinstance(tensor, nn.Parameter):
                storage = tensor.untyped_storage()
                kept[storage._cdata] = (storage, storage.nbytes())
            return tensor

        with ExitStack() as stack:
            counter = stack.enter_context(Operations())
            stack.enter_context(torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor))
            loss().backward()
        self.flops += counter.total / every
        self.largest = max(self.largest, sum(size for _, size in kept.values()))

    def cost(self, parameters: int) -> StepCost:
        """What was counted, per image."""
        return StepCost(self.flops / BATCH, self.largest / BATCH, 16.0 * parameters, parameters)


def generator_cost(config: Mapping[str, Any]) -> StepCost:
    """Cost of a GAN's step, all its phases and penalties included."""
    from synthtrial.gans.base import GAN
    from synthtrial.gans.fitting import as_size
    from synthtrial.gans.model import build
    from synthtrial.gans.phases import train_only

    with torch.device("meta"):
        gan = build(dict(config))
    assert isinstance(gan, GAN)
    gan.to("meta")
    torch.manual_seed(0)
    size = as_size(config["image_size"], config["spatial_dims"])
    image = torch.zeros(BATCH, config["image_channels"], *size, device="meta")
    label = torch.zeros(BATCH, dtype=torch.long, device="meta")
    batch = gan.prepare_batch({"real": image, "label": label, "source": image})
    counter, phases = StepCounter(), gan.phases()
    for phase in phases:
        train_only(gan, phase)
        terms = [(phase.loss, phase.interval)]
        terms += [(p.terms, phase.interval * p.interval) for p in gan.penalties() if p.phase == phase.name]
        for loss, every in terms:
            counter.count(lambda loss=loss: torch.stack(list(loss(batch).values())).sum(), every)  # type: ignore[misc]
    learned = {id(weights): weights.numel() for phase in phases for weights in phase.parameters()}
    return counter.cost(sum(learned.values()))


def model_cost(network: nn.Module, channels: int, shape: tuple[int, ...]) -> StepCost:
    """Cost of a downstream network's step on images `(channels, *shape)`; its loss itself costs next to nothing."""
    network = network.to("meta").train()
    image = torch.zeros(BATCH, channels, *shape, device="meta")

    def loss() -> Tensor:
        answers = network(image)
        return torch.stack([answer.sum() for answer in (answers if isinstance(answers, list) else [answers])]).sum()

    counter = StepCounter()
    counter.count(loss)
    return counter.cost(sum(weights.numel() for weights in network.parameters() if weights.requires_grad))
