"""An arm: what one training set is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synthtrial.errors import ConfigError
from synthtrial.params import construct
from synthtrial.setting_types import check_type


@dataclass(frozen=True)
class Arm:
    """The composition of one training set.

    Attributes:
        name: of the arm.
        real: share of the real training cases of a fold, 0 to 1. Smaller shares are subsets of larger ones.
        synthetic: generator to number of synthetic cases per real training case of the fold (of all of them, whatever
            `real`).
    """

    name: str
    real: float = 1.0
    synthetic: Mapping[str, float] = field(default_factory=dict)

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


def check_arms(arms: Sequence[Arm], *, generators: Sequence[str], per_real: float, folds: int) -> None:
    """Refuse arms that can't be filled, before a generator is trained for them.

    Args:
        arms: the arms of a study.
        generators: names of its generators.
        per_real: synthetic cases that are drawn per real development case.
        folds: number of folds; a fold trains on the development cases outside it.

    Raises:
        ConfigError: for an unknown generator, or more synthetic cases than will be drawn.
    """
    most = per_real * folds / (folds - 1)
    for arm in arms:
        for generator, ratio in arm.synthetic.items():
            if generator not in generators:
                known = ", ".join(generators) or "none in this study"
                raise ConfigError(f"arms.{arm.name}.synthetic names the generator {generator!r}; there are: {known}")
            if ratio > most + 1e-9:
                raise ConfigError(
                    f"arms.{arm.name} asks for {ratio:g} cases of {generator!r} per real one, but with "
                    f"synthesis.per_real={per_real:g} at most {most:g} are drawn: raise it, or lower the arm's ratio"
                )
