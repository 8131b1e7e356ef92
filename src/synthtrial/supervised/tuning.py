"""A network made ready for its device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from synthtrial.hardware import best_device
from synthtrial.speed import check_compiler, lay_out, speed_of
from synthtrial.supervised.curve_module import CurveModule


def tune(module: CurveModule, trainer: Mapping[str, Any]) -> None:
    """Lay out the weights, choose the form of the optimizer, and compile the network, as the trainer says.

    What is compiled is the module's view of the network: the network itself, which judges cases afterwards, stays.

    Args:
        module: before its first step.
        trainer: see `speed.speed_of`.

    Raises:
        ConfigError: when torch can't compile on this machine and should.
    """
    speed = speed_of(trainer)
    module.fused = speed.fused
    if speed.channels_last is not None:
        lay_out(module.network, speed.channels_last)
    if speed.compile:
        check_compiler(best_device(trainer))
        # Networks of the same kind share what was compiled, over phases and fold models.
        module.network = torch.compile(module.network, dynamic=False)  # type: ignore[assignment]
