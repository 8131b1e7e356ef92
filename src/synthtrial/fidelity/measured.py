"""One measured number with all that it takes to read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from synthtrial.errors import SynthtrialError

Better = Literal["lower", "higher", "like real"]
"""Which values are good: low ones, high ones, or those that real cases have among themselves."""


@dataclass(frozen=True)
class Measured:
    """A metric's value for the synthetic cases, on its scale.

    Attributes:
        value: for synthetic against real cases.
        low, high: limits of its 95 % interval.
        floor: the same for real cases against other real ones; None where this makes no sense.
        ceiling: the same for noise against real cases; None where this makes no sense.
        better: which values are good.
        standard_error: of the value over all cases, where the metric has a formula for it (the kernel distance).
    """

    value: float
    low: float
    high: float
    floor: float | None
    ceiling: float | None
    better: Better
    standard_error: float | None = None


Measurements = Mapping[str, Measured]
"""By metric name, `<metric>[_<view>]/<features>_n<count>`, such as `frechet_mask/random_conv_n24`."""


def unless_impossible(
    name: str, work: Callable[[], dict[str, Measured]], left_out: dict[str, str]
) -> dict[str, Measured]:
    """What `work` measures; where the cases don't allow it, nothing, and the reason under `name` in `left_out`."""
    try:
        return work()
    except SynthtrialError as error:
        left_out[name] = str(error)
        return {}


def as_json(measurements: Measurements) -> dict[str, Any]:
    """What `fidelity.json` says of measurements: `metrics` (the values) and every other attribute, by metric name."""
    return {
        "metrics": {name: one.value for name, one in measurements.items()},
        "interval": {name: [one.low, one.high] for name, one in measurements.items()},
        "floor": {name: one.floor for name, one in measurements.items()},
        "ceiling": {name: one.ceiling for name, one in measurements.items()},
        "better": {name: one.better for name, one in measurements.items()},
        "standard_error": {name: one.standard_error for name, one in measurements.items()},
    }


def from_json(content: Mapping[str, Any]) -> dict[str, Measured]:
    """Read back what `as_json` made."""
    keys = ("floor", "ceiling", "better", "standard_error")
    return {
        name: Measured(value, *content["interval"][name], *(content[key][name] for key in keys))
        for name, value in content["metrics"].items()
    }
