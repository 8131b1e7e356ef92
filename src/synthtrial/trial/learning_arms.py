"""The arms of a learning curve: a study's arms again, with fewer real cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synthtrial.errors import ConfigError
from synthtrial.params import construct
from synthtrial.setting_types import suggestion


@dataclass(frozen=True)
class LearningCurve:
    """Which arms are trained again, with which shares of their real cases.

    Attributes:
        shares: of the arm's real cases, between 0 and 1. The arm itself is the point at 1.
        arms: names of arms that have real cases, the reference among them: its curve is the scale on which the
            worth of a synthetic set is read.
    """

    shares: Sequence[float]
    arms: Sequence[str]

    def __post_init__(self) -> None:
        if not self.shares or not all(0 < share < 1 for share in self.shares):
            raise ConfigError(
                f"learning_curve.shares: expected numbers between 0 and 1, but is {list(self.shares)}; "
                "the arms themselves are the points at 1"
            )
        if len(set(self.shares)) < len(self.shares) or len(set(self.arms)) < len(self.arms):
            raise ConfigError("learning_curve: the same share or arm is listed twice")

    @property
    def names(self) -> dict[str, dict[float, str]]:
        """Of each arm, share to the name of the arm that has it, the smallest share first; 1 is the arm itself."""
        shares = sorted(self.shares)
        return {arm: {share: share_name(arm, share) for share in shares} | {1.0: arm} for arm in self.arms}

    @property
    def added(self) -> list[str]:
        """Names of the arms that the curve adds to a study."""
        return [name for points in self.names.values() for share, name in points.items() if share < 1]


def read_curve(settings: Mapping[str, Any] | None) -> LearningCurve | None:
    """The learning curve of a study, from its `learning_curve:` subtree; None without one.

    Raises:
        ConfigError: for a key that it doesn't have, or a value that can't be.
    """
    return None if settings is None else construct(LearningCurve, settings, "learning_curve")


def share_name(arm: str, share: float) -> str:
    """Name of an arm at a share of its real cases, such as `real_at_25`; without dots, since names are key paths."""
    return f"{arm}_at_{100 * share:g}".replace(".", "_")


def with_learning_arms(
    arms: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any] | None, reference: str
) -> dict[str, dict[str, Any]]:
    """Add the arms of the learning curve to a study's `arms:`; what they hold of synthetic cases stays as it is.

    Args:
        arms: name to keys, as in the study's file.
        settings: the study's `learning_curve:`.
        reference: the arm that others are compared with.

    Raises:
        ConfigError: for an arm that the study lacks or that has no real cases, for a curve without the reference, and
            for a name that is taken.
    """
    complete = {name: dict(keys) for name, keys in arms.items()}
    curve = read_curve(settings)
    if curve is None:
        return complete
    if reference not in curve.arms:
        raise ConfigError(
            f"learning_curve.arms lacks {reference!r}, the reference: on its curve is read how many real cases a "
            "synthetic set is worth"
        )
    for arm, points in curve.names.items():
        if arm not in arms:
            raise ConfigError(
                f"learning_curve.arms names {arm!r}; there are: {', '.join(arms)}{suggestion(arm, list(arms))}"
            )
        full = arms[arm].get("real", 1.0)
        if not full:
            raise ConfigError(f"learning_curve.arms names {arm!r}, which has no real cases: leave it out")
        for share, name in points.items():
            if share < 1 and name in arms:
                raise ConfigError(f"arms.{name} has the name of a point of the learning curve: call it otherwise")
            if share < 1:
                complete[name] = {**arms[arm], "real": full * share}
    return complete
