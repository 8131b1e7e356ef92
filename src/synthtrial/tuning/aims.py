"""The numbers that a sweep makes small or large: are there such, and what are they of a point?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from synthtrial.errors import ConfigError
from synthtrial.fidelity.metric_names import bare, check_names, metric_names
from synthtrial.tuning.execution import PointFailed
from synthtrial.tuning.settings import Aim, SweepSettings


def known_metrics(sweep: SweepSettings, params: Mapping[str, Any]) -> list[str]:
    """Names, without counts, of the metrics that the stages of a sweep give, as far as can be told before they run."""
    names: list[str] = []
    if "fidelity" in sweep.stages:
        names += metric_names(params["fidelity"]["features"])
    if "report" in sweep.stages:
        models = [*params["segmenter_names"], *params["classifier_names"]]
        for model in models:
            for arm in params["arm_names"]:
                names.append(f"{params['protocol']['metric']}/{model}/{arm}/test")
                if arm != params["protocol"]["reference"]:
                    names.append(f"difference/{model}/{arm}")
    return names


def check_aims(sweep: SweepSettings, params: Mapping[str, Any]) -> None:
    """Refuse an objective that no stage of the sweep gives; a function of the user's own may give any.

    Raises:
        ConfigError: and the message says which exist.
    """
    if sweep.objective:
        return
    check_names([aim.metric for aim in sweep.aims], known_metrics(sweep, params), "objectives", "this sweep")


def values_of(aims: Sequence[Aim], metrics: Mapping[str, float]) -> list[float]:
    """The aims' values of one point.

    Raises:
        PointFailed: when one was not measured, or is not finite.
    """
    return [value_of(aim.metric, metrics) for aim in aims]


def value_of(metric: str, metrics: Mapping[str, float]) -> float:
    """One metric, by its whole name or by that without a count."""
    matches = [metrics[metric]] if metric in metrics else [v for name, v in metrics.items() if bare(name) == metric]
    if len(matches) != 1:
        raise PointFailed(f"{metric!r} was not measured; there are: {', '.join(sorted(metrics)) or 'no metrics'}")
    if matches[0] is None or not math.isfinite(matches[0]):
        raise PointFailed(f"{metric!r} is {matches[0]}, not a finite number")
    return float(matches[0])


def check_generator(sweep: SweepSettings, params: Mapping[str, Any]) -> None:
    """Refuse a generator, draw or split that the study doesn't have.

    Raises:
        ConfigError: and the message says which exist.
    """
    places = {"generator": "generator_names", "draw": "draw_names", "split": "splits"}
    for key, listed in places.items():
        name = getattr(sweep, key)
        if name is not None and name not in params[listed]:
            raise ConfigError(
                f"sweep {sweep.name!r}: study {params['study']['name']!r} has no {key} {name!r}; "
                f"there are: {', '.join(params[listed]) or 'none'}"
            )
