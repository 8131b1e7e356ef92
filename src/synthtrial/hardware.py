"""What a trainer's settings mean on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from synthtrial.errors import ConfigError


def best_device(trainer: Mapping[str, Any]) -> torch.device:
    """The device for inference: a GPU where there is one and the trainer may use it.

    Raises:
        ConfigError: when the trainer must use a GPU and there is none.
    """
    if trainer["accelerator"] == "gpu" and not torch.accelerator.is_available():
        raise ConfigError("trainer.accelerator is gpu, but torch finds none here; set trainer.accelerator=auto")
    on_gpu = trainer["accelerator"] != "cpu" and torch.cuda.is_available()
    return torch.device("cuda" if on_gpu else "cpu")


def lightning_precision(trainer: Mapping[str, Any]) -> Any:
    """Lightning's precision; `auto` means bf16-mixed on a GPU that has it, else 32-true."""
    on_gpu = best_device(trainer).type == "cuda"
    if trainer["precision"] != "auto":
        return trainer["precision"]
    return "bf16-mixed" if on_gpu and torch.cuda.is_bf16_supported() else "32-true"
