"""What a file of conf/sweep/ says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import yaml

from synthtrial.errors import ConfigError
from synthtrial.params import construct, plain, with_words
from synthtrial.setting_types import suggestion
from synthtrial.tuning.pruning import PruningSettings, check_pruning

STAGES = ("train_gan", "synthesize", "fidelity", "assemble", "segment", "classify", "report")
"""The stages that a point may run, in their order."""


@dataclass(frozen=True, kw_only=True)
class Aim:
    """One number to make small or large.

    Attributes:
        metric: a key of the results, with or without its `_n<count>`.
        direction: which values are good.
    """

    metric: str
    direction: Literal["minimize", "maximize"] = "minimize"


@dataclass(frozen=True, kw_only=True)
class SamplerSettings:
    """Who chooses the points.

    Attributes:
        kind: `grid` takes every combination of the values once; the others are Optuna's samplers.
        seed: of its random choices.
        settings: further arguments of Optuna's sampler.
    """

    kind: Literal["grid", "random", "tpe", "nsga2"]
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SweepSettings:
    """A sweep.

    Attributes:
        name: of its file in conf/sweep/.
        space: dotted key of params.yaml to `values` or to `low`, `high`, and optionally `log` or `step`.
        objectives: see `Aim`.
        sampler: see `SamplerSettings`.
        generator: the generator that stages run for, None where none is run.
        draw: what is drawn and measured; None for the generator's own draw.
        split: the part of the cohort the generator sees; None for the protocol's first.
        stages: which stages a point runs.
        objective: `_target_` and settings of a function of the point's params that returns metrics; runs last.
        trials: number of points; None for all of a grid.
        pruning: when points are given up early, see `PruningSettings`; None for never.
        measure: what the fidelity stage measures of a point: the `objectives`, or `all` with tables and pictures.
        retries: how often a point that failed is tried again.
        storage: where the state lives; None for SQLite in the sweep's folder.
    """

    name: str
    space: Mapping[str, Any]
    objectives: Sequence[Any]
    sampler: Mapping[str, Any]
    generator: str | None = None
    draw: str | None = None
    split: str | None = None
    stages: Sequence[str] = ("train_gan", "synthesize", "fidelity")
    objective: Mapping[str, Any] | None = None
    trials: int | None = None
    pruning: Mapping[str, Any] | None = None
    measure: Literal["objectives", "all"] = "objectives"
    retries: int = 1
    storage: str | None = None

    def __post_init__(self) -> None:
        if not self.space:
            raise ConfigError(f"sweep {self.name!r} has an empty `space`: name at least one key to tune")
        if not self.aims:
            raise ConfigError(f"sweep {self.name!r} has no `objectives`: name at least one metric")
        for stage in self.stages:
            if stage not in STAGES:
                raise ConfigError(
                    f"stages: unknown {stage!r}; there are {', '.join(STAGES)}{suggestion(stage, list(STAGES))}"
                )
        if list(self.stages) != [stage for stage in STAGES if stage in self.stages]:
            raise ConfigError(f"stages: write them once each, in the order {', '.join(STAGES)}")
        if not self.stages and self.objective is None:
            raise ConfigError("a sweep without stages needs an `objective` with a `_target_`")
        if self.generator is None and {"train_gan", "synthesize", "fidelity"} & set(self.stages):
            raise ConfigError("`generator` must say which generator of the study is trained")
        if self.retries < 0:
            raise ConfigError(f"retries must be at least 0, not {self.retries}")
        if self.trials is not None and self.trials < 1:
            raise ConfigError(f"trials must be at least 1, not {self.trials}")
        if self.choice.kind == "grid" and self.trials is not None:
            raise ConfigError("a grid takes all its points: leave `trials` null, or take `random`")
        if self.choice.kind != "grid" and self.trials is None:
            raise ConfigError(f"`trials` must say how many points {self.choice.kind} is to try")
        check_pruning(self.rule, self.generator, self.stages, len(self.aims), self.objective is not None)

    @property
    def aims(self) -> list[Aim]:
        """The objectives, in their order."""
        return [construct(Aim, aim, f"objectives[{index}]") for index, aim in enumerate(self.objectives)]

    @property
    def choice(self) -> SamplerSettings:
        """Who chooses the points."""
        return construct(SamplerSettings, self.sampler, "sampler")

    @property
    def rule(self) -> PruningSettings | None:
        """When points are given up early, if ever."""
        return construct(PruningSettings, self.pruning, "pruning") if self.pruning is not None else None


def sweep_names(conf: Path) -> list[str]:
    """Names of the sweeps that `conf/sweep/` holds."""
    return sorted(path.stem for path in (conf / "sweep").glob("*.yaml"))


def defaults() -> dict[str, Any]:
    """What holds for the keys that a sweep's file leaves out; words may set these, too."""
    found = {key.name: key.default for key in fields(SweepSettings) if key.default is not MISSING}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


def read_sweep(name: str, words: Sequence[str], conf: Path) -> SweepSettings:
    """Read a sweep.

    Args:
        name: of a file in `conf/sweep/`.
        words: `key=value` words on top of it.
        conf: the folder of configuration files.

    Raises:
        ConfigError: for an unknown sweep, an unknown key, or a value that can't be.
    """
    path = conf / "sweep" / f"{name}.yaml"
    if not path.is_file():
        names = sweep_names(conf)
        raise ConfigError(f"unknown sweep {name!r}; there are: {', '.join(names)}{suggestion(name, names)}")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} can't be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path} is not a mapping of keys to values")
    from omegaconf import OmegaConf

    # Keys of the space hold dots: words may set everything but these.
    space = content.pop("space", {})
    changed = plain(with_words(OmegaConf.create(defaults() | content), list(words), f"sweep {name}"))
    return construct(SweepSettings, changed | {"space": space, "name": name}, f"sweep {name}")
