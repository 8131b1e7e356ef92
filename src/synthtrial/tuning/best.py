"""The best point of a sweep as a file of conf/generator, ready for a study."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthtrial.atomic import atomic_file
from synthtrial.composing import compose_with_hydra
from synthtrial.errors import ConfigError
from synthtrial.tuning.space import words_of

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from synthtrial.tuning.sweep import Sweep


def write_best(sweep: Sweep, chosen: Sequence[FrozenTrial]) -> Path:
    """Write `conf/generator/<generator>_best.yaml`: the tuned generator with the best point's settings.

    With several aims it is the point of the front that is best in the first of them.

    Raises:
        ConfigError: when no point has a result, or the sweep tunes no generator.
    """
    import yaml

    name = sweep.settings.generator
    if name is None or not chosen:
        raise ConfigError("there is no best generator to write: no point has a result, or the sweep tunes no generator")
    first = sweep.settings.aims[0]
    best = min(chosen, key=lambda trial: trial.values[0] * (-1 if first.direction == "maximize" else 1))
    own = {key: value for key, value in best.params.items() if key.startswith(f"generators.{name}.")}
    other = {key: value for key, value in best.params.items() if key not in own}
    params, _ = compose_with_hydra([*sweep.words, *words_of(own)], sweep.conf)
    settings: dict[str, Any] = params["generators"][name]
    values = ", ".join(f"{aim.metric} {value:.6g}" for aim, value in zip(sweep.settings.aims, best.values, strict=True))
    header = [
        f"# {name} with the best settings of the sweep {sweep.settings.name!r} on {params['study']['name']!r}: ",
        f"# point {best.user_attrs['point']} of {len(sweep.points)}, {values}. Written by pipelines/tune.py --best.",
        f"# In a study's defaults: `- /generator@generators.{name}: {name}_best`. ",
        "# What the keys mean is in conf/generator/.",
        *(f"# Tuned outside of the generator: {key}={json.dumps(value)}" for key, value in other.items()),
    ]
    path = sweep.conf / "generator" / f"{name}_best.yaml"
    with atomic_file(path) as partial:
        partial.write_text("\n".join(header) + "\n" + yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return path
