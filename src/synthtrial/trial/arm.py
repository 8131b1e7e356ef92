"""An arm: what one training set is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synthtrial.errors import ConfigError
from synthtrial.params import construct
from synthtrial.setting_types import check_type
from synthtrial.trial.protocol import protocol_of


@dataclass(frozen=True)
class Arm:
    """The composition of one training set.

    Attributes:
        name: of the arm.
        real: share of the real training cases of a fold, 0 to 1. Smaller shares are subsets of larger ones.
        synthetic: draw to number of synthetic cases per real training case of the fold (of all of them, whatever
            `real`).
        duplicated: further copies of the real cases, per real training case of the fold: no new information.
        augmented: copies altered by `prepare.augment`, per real training case of the fold.
        pretrain: share of the steps that are spent on the synthetic cases alone, first; the rest on the real ones
            alone. 0 mixes all cases in all steps.
        reseed: 0 takes the seeds of trainings that all arms share, which pairs arms further; other numbers take others.
    """

    name: str
    real: float = 1.0
    synthetic: Mapping[str, float] = field(default_factory=dict)
    duplicated: float = 0.0
    augmented: float = 0.0
    pretrain: float = 0.0
    reseed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.real <= 1:
            raise ConfigError(f"arms.{self.name}.real is {self.real}; it is a share of the real cases, 0 to 1")
        if min(self.synthetic.values(), default=0.0) < 0:
            raise ConfigError(f"arms.{self.name}.synthetic has a negative number of cases per real case")
        if not self.real and not any(self.synthetic.values()):
            raise ConfigError(f"arms.{self.name} is empty: give it real or synthetic cases")


def read_arms(settings: Mapping[str, Any]) -> list[Arm]:
    """The arms of a study, from its `arms:` subtree.

    Raises:
        ConfigError: for a key that arms don't have, or a value that can't be.
    """
    for name, keys in settings.items():
        check_type(keys, dict, f"arms.{name}")
    return [construct(Arm, {"name": name, **keys}, f"arms.{name}") for name, keys in settings.items()]


def check_arms(arms: Sequence[Arm], *, per_real: Mapping[str, float], protocol: str, folds: int) -> None:
    """Refuse arms that can't be filled, before a generator is trained for them.

    Args:
        arms: the arms of a study.
        per_real: draw to synthetic cases per real case of the generator's split.
        protocol: name of the protocol.
        folds: number of folds; a fold trains on the development cases outside it.

    Raises:
        ConfigError: for an unknown generator, or more synthetic cases than will be drawn.
    """
    # Of a generator per fold, the split is what the fold trains on; else the split is larger by at least one fold.
    larger = folds / (folds - 1) if protocol_of(protocol).sees else 1.0
    for arm in arms:
        for draw, ratio in arm.synthetic.items():
            if draw not in per_real:
                known = ", ".join(per_real) or "none in this study"
                raise ConfigError(f"arms.{arm.name}.synthetic names the generator {draw!r}; there are: {known}")
            if ratio > per_real[draw] * larger + 1e-9:
                raise ConfigError(
                    f"arms.{arm.name} asks for {ratio:g} cases of {draw!r} per real one, but with "
                    f"synthesis.per_real={per_real[draw]:g} at most {per_real[draw] * larger:g} are drawn: raise it, "
                    "or lower the arm's ratio"
                )
