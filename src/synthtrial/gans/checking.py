"""Refuse a generator that can't learn, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthtrial.errors import ConfigError
from synthtrial.gans.schedule import Schedule
from synthtrial.params import target_of


def check_learning(config: dict[str, Any], place: str) -> None:
    """Check by what a generator learns: a schedule, or, for a control, nothing but its own settings.

    Args:
        config: a generator's configuration, see conf/generator and conf/control.
        place: where it stands, such as `generators.hagan`.

    Raises:
        ConfigError: for a schedule that can't be, a control that can't be built, or a family without a schedule.
    """
    if config["train"] is not None:
        Schedule.from_config(config["train"], f"{place}.train")
        return
    # Both import torch: a study without controls is composed without it.
    from synthtrial.gans.controls.control import Control
    from synthtrial.gans.model import build

    target = target_of(config)
    if not (isinstance(target, type) and issubclass(target, Control)):
        raise ConfigError(f"{place}.train is null, which is for controls: say how long this generator trains")
    try:
        build(config)
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from error


def check_snapshots(generators: Mapping[str, Any], draws: Mapping[str, Any]) -> None:
    """Raise a ConfigError when a draw takes weights that its generator's training does not keep.

    Args:
        generators: name to configuration; the numbers in its `train.snapshots` are checked with the rest of `train`.
        draws: name to settings, as `trial.draw.complete_draws` gives them.
    """
    for name, draw in draws.items():
        generator, wanted = draw["generator"], draw.get("snapshot")
        if wanted is None:
            continue
        place = f"draws.{name}.snapshot is {wanted!r}, but"
        if generators[generator]["train"] is None:
            raise ConfigError(f"{place} {generator!r} is a control, which is not trained: set it to null")
        kept = generators[generator]["train"].get("snapshots") or []
        if wanted not in kept:
            raise ConfigError(
                f"{place} generators.{generator}.train.snapshots keeps {', '.join(map(str, kept)) or 'none'}: "
                f"add it there (numbers of images, at most train.images)"
            )


def check_kept(generators: Mapping[str, Any], draws: Mapping[str, Any]) -> None:
    """Raise a ConfigError when a draw asks for more cases than a control keeps."""
    for name, draw in draws.items():
        generator, wanted = draw["generator"], draw["per_real"]
        kept = generators[generator].get("per_real")
        if kept is not None and wanted > kept:
            raise ConfigError(
                f"draws.{name} takes {wanted:g} cases per real one, but {generator!r} keeps {kept:g}: "
                f"set generators.{generator}.per_real={wanted:g}"
            )
