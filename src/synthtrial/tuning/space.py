"""The space of a sweep: which keys are tuned, over what, and every point of a grid."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthtrial.errors import ConfigError
from synthtrial.params import construct, missing_key

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

SHARED = ("study", "cohort", "prepare", "tracking", "runtime", "report", "task")
"""Keys that all points share: the cohort is prepared once for all of them."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What one key is tuned over: a list of values, or a range.

    Attributes:
        values: the values, or None for a range.
        low, high: ends of a range, both of them in it.
        log: whether the range is even in the logarithm.
        step: distance between two values of a range; None for any value.
    """

    values: list | None = None
    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    step: int | float | None = None

    def check(self, key: str) -> None:
        """Raise a ConfigError unless this is a list of different values or a range from low to high."""
        is_range = self.low is not None and self.high is not None
        if (self.values is None) != is_range or (self.values is not None and (self.log or self.step)):
            raise ConfigError(f"space.{key} must have `values`, or else `low` and `high` with `log` or `step`")
        if self.values is not None:
            if not self.values or any(value in self.values[:index] for index, value in enumerate(self.values)):
                raise ConfigError(f"space.{key}.values must be different values, at least one")
            return
        assert self.low is not None and self.high is not None
        if self.low >= self.high or (self.log and self.low <= 0) or (self.log and self.step):
            raise ConfigError(f"space.{key}: low must lie below high, above 0 with `log`, and `log` takes no `step`")

    def distribution(self) -> BaseDistribution:
        """The axis as Optuna knows it. A list within a list goes by its JSON text."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.values is not None:
            return CategoricalDistribution([as_choice(value) for value in self.values])
        assert self.low is not None and self.high is not None
        if all(isinstance(end, int) for end in (self.low, self.high, self.step or 1)):
            return IntDistribution(int(self.low), int(self.high), log=self.log, step=int(self.step or 1))
        return FloatDistribution(float(self.low), float(self.high), log=self.log, step=self.step)


def as_choice(value: Any) -> Any:
    """A value as Optuna stores it."""
    return json.dumps(value) if isinstance(value, list) else value


def read_space(space: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Axis]:
    """Read `space:` and check it against a composed study.

    Raises:
        ConfigError: for a key the study doesn't have, one that all points share, or an axis that can't be.
    """
    axes = {}
    for key, settings in space.items():
        if problem := missing_key(params, key, f"study {params['study']['name']!r}"):
            raise ConfigError(f"space: {problem}")
        if key.split(".")[0] in SHARED:
            raise ConfigError(
                f"space: {key} can't be tuned, for all points share the prepared cohort: give it by a word"
            )
        axes[key] = construct(Axis, settings, f"space.{key}")
        axes[key].check(key)
    return axes


def grid_points(axes: Mapping[str, Axis]) -> list[dict[str, Any]]:
    """Every combination of the axes' values, the last key changing fastest.

    Raises:
        ConfigError: for an axis that is a range.
    """
    for key, axis in axes.items():
        if axis.values is None:
            raise ConfigError(f"space.{key} is a range, and a grid needs `values`: list them, or take another sampler")
    lists = [axis.values or [] for axis in axes.values()]
    return [dict(zip(axes, combination, strict=True)) for combination in itertools.product(*lists)]


def words_of(point: Mapping[str, Any]) -> list[str]:
    """A point as the words that compose takes."""
    return [f"{key}={in_hydra(value)}" for key, value in point.items()]


def in_hydra(value: Any) -> str:
    """A value as Hydra reads it on the command line."""
    if isinstance(value, str):
        return value if value.startswith("[") else "'" + value.replace("'", "\\'") + "'"
    return json.dumps(value)
