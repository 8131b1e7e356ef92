"""The best point of a sweep as a file of conf/generator, ready for a study."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthtrial.atomic import atomic_file
from synthtrial.composing import compose_with_hydra
from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.tuning.space import words_of

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from synthtrial.tuning.sweep import Sweep


def check_best(sweep: Sweep) -> None:
    """Raise a ConfigError unless the sweep tunes a generator, whose best settings can be written."""
    if sweep.settings.generator is None:
        raise ConfigError(f"--best: the sweep {sweep.settings.name!r} names no `generator` to write the best one of")


def best_of(sweep: Sweep, chosen: Sequence[FrozenTrial]) -> FrozenTrial:
    """The best trial; of a front, the one that is best in the first aim."""
    first = sweep.settings.aims[0]
    return min(chosen, key=lambda trial: trial.values[0] * (-1 if first.direction == "maximize" else 1))


def write_best(sweep: Sweep, chosen: Sequence[FrozenTrial]) -> Path:
    """Write `conf/generator/<generator>_best.yaml`: the tuned generator with the best point's settings.

    Raises:
        SynthtrialError: when no point has a result.
    """
    import yaml

    check_best(sweep)
    name = sweep.settings.generator
    if not chosen:
        raise SynthtrialError("--best: no point has a result, so there are no best settings to write")
    best = best_of(sweep, chosen)
    own = {key: value for key, value in best.params.items() if key.startswith(f"generators.{name}.")}
    other = {key: value for key, value in best.params.items() if key not in own}
    params, _ = compose_with_hydra([*sweep.words, *words_of(own)], sweep.conf)
    settings: dict[str, Any] = params["generators"][name]
    values = ", ".join(f"{aim.metric} {value:.6g}" for aim, value in zip(sweep.settings.aims, best.values, strict=True))
    header = [
        f"# {name} with the best settings of the sweep {sweep.settings.name!r} on {params['study']['name']!r}:",
        f"# point {best.user_attrs['point']} of {len(sweep.points)}, {values}. Written by pipelines/tune.py --best.",
        f"# In a study's defaults: `- /generator@generators.{name}: {name}_best`.",
        "# What the keys mean is in conf/generator/.",
        *(f"# Tuned outside of the generator: {key}={json.dumps(value)}" for key, value in other.items()),
    ]
    path = sweep.conf / "generator" / f"{name}_best.yaml"
    with atomic_file(path) as partial:
        partial.write_text("\n".join(header) + "\n" + yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return path
