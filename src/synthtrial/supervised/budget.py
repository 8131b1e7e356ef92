"""The budget of a training, in steps or in epochs, and the learning rate over it."""

from __future__ import annotations

from math import ceil
from typing import Protocol

from synthtrial.errors import ConfigError


class Budget(Protocol):
    """The settings that every downstream training has; conf/segmenter and conf/classifier tell their meaning."""

    @property
    def steps(self) -> int | None: ...
    @property
    def epochs(self) -> int | None: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def validate_every(self) -> int: ...
    @property
    def lr(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def warmup(self) -> float: ...


def check_budget(settings: Budget, place: str) -> None:
    """Raise a ConfigError for a budget that can't be, of the settings that stand at `place`."""
    if (settings.steps is None) == (settings.epochs is None):
        raise ConfigError(
            f"{place}: the budget is in steps or in epochs, and the other one is null, "
            f"but steps is {_in_yaml(settings.steps)} and epochs is {_in_yaml(settings.epochs)}"
        )
    for key in ("steps", "epochs", "batch_size", "validate_every"):
        if (value := getattr(settings, key)) is not None and value < 1:
            raise ConfigError(f"{place}.{key} is {value}; it must be at least 1")
    if not 0 <= settings.warmup < 1:
        raise ConfigError(f"{place}.warmup is {settings.warmup}; it must be at least 0 and below 1")
    if settings.lr <= 0 or settings.weight_decay < 0:
        raise ConfigError(
            f"{place}.lr must be above 0 and {place}.weight_decay at least 0, "
            f"but they are {settings.lr} and {settings.weight_decay}"
        )


def steps_for(steps: int | None, epochs: int | None, n_cases: int, batch_size: int) -> int:
    """Optimizer steps of a training on so many cases; an epoch has as many as draw each case once."""
    if epochs is None:
        assert steps is not None
        return steps
    return epochs * ceil(n_cases / batch_size)


def _in_yaml(value: int | None) -> str:
    return "null" if value is None else str(value)
