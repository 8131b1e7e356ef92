"""A generator made ready for its device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthtrial.gans.base import GAN
from synthtrial.hardware import best_device
from synthtrial.speed import compile_in_place, lay_out, speed_of


def tune(gan: GAN, trainer: Mapping[str, Any]) -> None:
    """Lay out the weights, choose the form of the optimizers, and compile networks, as the trainer says.

    Says so where a family has no networks that can be compiled. The averaged generator is never compiled: it is
    rarely asked.

    Args:
        gan: before its first step.
        trainer: see `speed.speed_of`.

    Raises:
        ConfigError: when torch can't compile on this machine and should.
    """
    speed = speed_of(trainer)
    if speed.channels_last is not None:
        lay_out(gan, speed.channels_last)
    if speed.fused is not None:
        gan.fused = speed.fused
    if not speed.compile:
        return
    if networks := gan.compilable():
        compile_in_place(networks, best_device(trainer))
    else:
        print(f"trainer.compile: no network of {type(gan).__name__} can be compiled; it trains as it is")
