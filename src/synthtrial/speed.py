"""How a training uses its device: layout of weights, compilation, form of the optimizers, copies ahead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from synthtrial.errors import ConfigError
from synthtrial.hardware import best_device

LAYOUTS = {4: torch.channels_last, 5: torch.channels_last_3d}
"""The layout with channels last, by the dimensions of a convolution's weights."""
VARIANTS = 32
"""Compiled forms that a network may have: for each shape and precision, with and without gradients."""


@dataclass(frozen=True)
class Speed:
    """The switches of a trainer, with `auto` made out.

    Attributes:
        channels_last: whether convolutions store their channels last; None: as the networks were built.
        compile: whether networks are compiled where they can be.
        fused: whether one kernel updates all weights; None: as PyTorch does by itself.
        prefetch: whether the next batch is copied to the device while one is worked on.
    """

    channels_last: bool | None
    compile: bool
    fused: bool | None
    prefetch: bool


def speed_of(trainer: Mapping[str, Any]) -> Speed:
    """Make out what `auto` means on this machine; docs/performance.md has the measurements.

    Args:
        trainer: `accelerator`, and optionally `channels_last`, `compile`, `fused` and `prefetch`: true, false or auto.

    Raises:
        ConfigError: when the trainer must use a GPU and there is none.
    """
    on_gpu = best_device(trainer).type == "cuda"

    def made_out(key: str, automatic: bool | None) -> Any:
        value = trainer.get(key, "auto")
        return automatic if value == "auto" else value

    return Speed(
        channels_last=made_out("channels_last", None),
        compile=made_out("compile", False),
        fused=made_out("fused", True if on_gpu else None),
        prefetch=on_gpu and made_out("prefetch", True),  # on a CPU there is nothing to copy
    )


@torch.no_grad()
def lay_out(module: nn.Module, channels_last: bool) -> None:
    """Store the weights of convolutions with channels last, or as PyTorch does by itself. Their values stay."""
    for parameter in module.parameters():
        if parameter.dim() in LAYOUTS:
            layout = LAYOUTS[parameter.dim()] if channels_last else torch.contiguous_format
            parameter.data = parameter.data.contiguous(memory_format=layout)


def compile_in_place(modules: Iterable[nn.Module], device: torch.device) -> None:
    """Compile networks without changing their names, so that checkpoints fit with and without.

    Not to be copied afterwards: a copy would call the network that it was copied from.

    Raises:
        ConfigError: when torch can't compile on this machine.
    """
    check_compiler(device)
    for module in modules:
        # Not `module.compile()`: of an nn.Sequential it compiles nothing, as PyTorch leaves out frames of its own code.
        # Each has its own count of variants, as all share the code that torch.compile puts around such a forward.
        limits: dict[str, Any] = {"recompile_limit": VARIANTS, "isolate_recompiles": True}
        module.forward = torch.compile(module.forward, dynamic=False, **limits)


def check_compiler(device: torch.device) -> None:
    """Compile a tiny function, so that a machine that can't says so before the training.

    Raises:
        ConfigError: when it can't.
    """
    try:
        torch.compile(lambda x: x.sin() + 1, dynamic=False)(torch.ones(8, device=device))
    except Exception as error:  # torch has many kinds of its own, and those of the compiler it calls
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        tool = "triton" if device.type == "cuda" else "a C++ compiler such as g++"
        raise ConfigError(
            f"trainer.compile is true, but torch can't compile here: {reason}. Install {tool}, or set "
            "trainer.compile=false"
        ) from error
