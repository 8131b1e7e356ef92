"""Draws: the ways in which a study draws synthetic cases from its generators."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synthtrial.errors import ConfigError
from synthtrial.setting_types import suggestion


@dataclass(frozen=True)
class Redraw:
    """The command that makes a study draw more cases than it does.

    Attributes:
        words: what the study was composed with, such as `study=demo`.
        draws: name to settings of every draw, as `complete_draws` gives them.
        synthesis_per_real: the study's `synthesis.per_real`, which raises all draws that have the same number.
    """

    words: Sequence[str] = ("study=NAME",)
    draws: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    synthesis_per_real: float | None = None

    def per_real(self, draw: str) -> float:
        """Accepted cases that the study draws now, per real case of the generator's split; 0 for an unknown draw."""
        return self.draws[draw]["per_real"] if draw in self.draws else 0.0

    def command(self, draw: str, per_real: float) -> str:
        """The command after which at least `per_real` cases of a draw are drawn per real case of its split."""
        of_study = draw in self.draws and self.per_real(draw) == self.synthesis_per_real
        key = "synthesis.per_real" if of_study else f"++draws.{draw}.per_real"
        kept = [word for word in self.words if word.lstrip("+").partition("=")[0] != key.lstrip("+")]
        enough = math.ceil(100 * per_real - 1e-6) / 100
        return f"`python pipelines/compose.py {shlex.join([*kept, f'{key}={enough:g}'])} && dvc repro`"


def complete_draws(
    draws: Mapping[str, Any], generators: Mapping[str, Any], synthesis: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Complete a study's `draws:`; every generator is one by itself, and a study may name others.

    Args:
        draws: name to `generator` and the keys of conf/synthesis that differ from what the generator's own draw has.
        generators: name to configuration, which may have a `synthesis` of its own: keys that differ from the study's.
        synthesis: the study's `synthesis`.

    Returns:
        Name to `generator` and all keys of conf/synthesis.

    Raises:
        ConfigError: for an unknown generator or key.
    """
    complete = {}
    for name, own in ({name: {} for name in generators} | dict(draws)).items():
        generator = own.get("generator", name)
        if generator not in generators:
            known = ", ".join(generators) or "none in this study"
            raise ConfigError(f"draws.{name}.generator is {generator!r}; there are: {known}")
        if name in generators and generator != name:
            raise ConfigError(
                f"draws.{name} draws from {generator!r}, but {name!r} is a generator, whose own draw has its name: "
                "call this draw otherwise"
            )
        of_generator = generators[generator].get("synthesis") or {}
        for place, keys in ((f"draws.{name}", own), (f"generators.{generator}.synthesis", of_generator)):
            for key in keys:
                if key not in (*synthesis, "generator"):
                    raise ConfigError(f"unknown key {place}.{key}{suggestion(key, list(synthesis))}")
        complete[name] = {"generator": generator, **synthesis, **of_generator, **own}
    return complete


def taken_apart(draw: Mapping[str, Any], real_cases: int) -> tuple[str, int, dict[str, Any]]:
    """A complete draw as `synthesize` takes it.

    Args:
        draw: as `complete_draws` gives it.
        real_cases: number of real cases of the split.

    Returns:
        Its generator, how many cases to draw, and the settings of drawing.
    """
    settings = dict(draw)
    return settings.pop("generator"), round(settings.pop("per_real") * real_cases), settings


def draw_places(study: str, draws: Mapping[str, Any], splits: Sequence[str]) -> dict[str, dict[str, str]]:
    """Every draw of every split, as `dvc.yaml` goes through them, by the name of its stage."""
    return {
        f"{study}-{name}-{split}": {"draw": name, "generator": draw["generator"], "split": split}
        for name, draw in draws.items()
        for split in splits
    }
