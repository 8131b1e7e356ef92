"""An arm: what one training set is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from synthtrial.errors import ConfigError
from synthtrial.params import construct
from synthtrial.setting_types import check_type


@dataclass(frozen=True)
class Arm:
    """The composition of one training set.

    Attributes:
        name: of the arm.
        real: share of the real training cases of a fold, 0 to 1. Smaller shares are subsets of larger ones.
        synthetic: draw to number of synthetic cases per real training case of the fold (of all of them, whatever
            `real`).
        duplicated: further copies of the arm's own real cases, per real training case of the fold as well: no new
            information, and as many cases as in an arm with so many synthetic ones.
        augmented: altered copies of the arm's own real cases, which `prepare.augment` made, counted likewise.
        pretrain: share of the steps that are spent on the synthetic cases alone, first; the rest on the real ones
            alone. 0 mixes all cases in all steps.
        of: a class. The numbers of synthetic, duplicated and altered cases are then per real training case of this
            class, and copies are of its cases. Empty for all cases alike.
        balance: how a classifier is kept from calling everything the larger class: by weights of the classes in the
            loss, by oversampling (real cases of the smaller class again, until both are as many), by the focal loss; or
            none. For segmenters none.
        reseed: 0 takes the seeds of trainings that all arms share, which pairs arms further; other numbers take others.
    """

    name: str
    real: float = 1.0
    synthetic: Mapping[str, float] = field(default_factory=dict)
    duplicated: float = 0.0
    augmented: float = 0.0
    pretrain: float = 0.0
    of: str = ""
    balance: Literal["none", "class_weights", "oversampling", "focal"] = "none"
    reseed: int = 0

    def __post_init__(self) -> None:
        place = f"arms.{self.name}"
        if not 0 <= self.real <= 1:
            raise ConfigError(f"{place}.real is {self.real}; it is a share of the real cases, 0 to 1")
        if min(self.synthetic.values(), default=0.0) < 0:
            raise ConfigError(f"{place}.synthetic has a negative number of cases per real case")
        if not self.real and not any(self.synthetic.values()):
            raise ConfigError(f"{place} is empty: give it real or synthetic cases")
        for kind in ("duplicated", "augmented"):
            if getattr(self, kind) < 0:
                raise ConfigError(f"{place}.{kind} is {getattr(self, kind):g}; it is a number of copies per real case")
            if getattr(self, kind) and not self.real:
                raise ConfigError(f"{place}.{kind} asks for copies of real cases, but {place}.real is 0: raise it")
        if self.balance == "oversampling" and not self.real:
            raise ConfigError(f"{place}.balance repeats real cases, but {place}.real is 0: take class_weights")
        self._check_schedule(place)

    def _check_schedule(self, place: str) -> None:
        if not 0 <= self.pretrain < 1:
            raise ConfigError(
                f"{place}.pretrain is {self.pretrain:g}; it is the share of the steps before those on real cases, at "
                "least 0 and below 1"
            )
        if self.pretrain and not (self.real and any(self.synthetic.values())):
            raise ConfigError(
                f"{place}.pretrain trains on synthetic cases first and on real ones then: give the arm both, or set "
                "pretrain to 0"
            )
        if self.reseed < 0:
            raise ConfigError(f"{place}.reseed is {self.reseed}; it is 0 for the usual seeds, or a number above")


def read_arms(settings: Mapping[str, Any]) -> list[Arm]:
    """The arms of a study, from its `arms:` subtree.

    Raises:
        ConfigError: for a key that arms don't have, or a value that can't be.
    """
    for name, keys in settings.items():
        check_type(keys, dict, f"arms.{name}")
    return [construct(Arm, {"name": name, **keys}, f"arms.{name}") for name, keys in settings.items()]
