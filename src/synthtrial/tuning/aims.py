"""The numbers that a sweep makes small or large: are there such, and what are they of a point?"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from synthtrial.errors import ConfigError
from synthtrial.setting_types import suggestion
from synthtrial.tuning.execution import PointFailed
from synthtrial.tuning.settings import Aim, SweepSettings


def bare(name: str) -> str:
    """A metric's name without the `_n<count>` of the cases that it compares."""
    return re.sub(r"_n\d+(?=$|/)", "", name)


def known_metrics(sweep: SweepSettings, params: Mapping[str, Any]) -> list[str]:
    """Names, without counts, of the metrics that the stages of a sweep give, as far as can be told before they run."""
    names: list[str] = []
    if "fidelity" in sweep.stages:
        from synthtrial.fidelity.scale import SET_METRICS, SUFFIX

        names += [
            f"{metric.name}{suffix}/{features}"
            for features, settings in params["fidelity"]["features"].items()
            if settings is not None
            for metric in SET_METRICS
            for suffix in SUFFIX.values()
        ]
        names.append("ms_ssim/pixels")
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
    names = known_metrics(sweep, params)
    for aim in sweep.aims:
        if bare(aim.metric) not in names:
            listed = in_short(names) or "none, for it runs neither fidelity nor report"
            raise ConfigError(
                f"objectives: unknown metric {aim.metric!r}{suggestion(bare(aim.metric), names)}; "
                f"this sweep gives {listed}"
            )


def in_short(names: Sequence[str]) -> str:
    """Names of metrics, those that differ in their first word alone said at once."""
    groups: dict[str, list[str]] = {}
    for name in names:
        first, _, rest = name.partition("/")
        groups.setdefault(rest, []).append(first)
    return "; ".join(f"{', '.join(firsts)} of /{rest}" for rest, firsts in groups.items())


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
