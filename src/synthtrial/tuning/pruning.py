"""When points of a sweep are given up early, as its file says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from synthtrial.errors import ConfigError

if TYPE_CHECKING:
    from optuna.pruners import BasePruner


@dataclass(frozen=True, kw_only=True)
class PruningSettings:
    """When a point is measured before its end, and who says that it is given up.

    Attributes:
        images: seen by the generator; it is measured at the first checkpoint after each of these numbers.
        kind: of Optuna's pruners; `median` gives a point up that is worse than the median of the others.
        settings: further arguments of Optuna's pruner; its steps are images.
    """

    images: Sequence[int]
    kind: Literal["median", "percentile", "successive_halving", "threshold"] = "median"
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.images or list(self.images) != sorted(set(self.images)) or self.images[0] < 1:
            raise ConfigError(f"pruning.images must be numbers from 1 on, each above the one before: {self.images}")

    def build(self) -> BasePruner:
        """The pruner.

        Raises:
            ConfigError: for settings that it does not take.
        """
        from optuna import pruners

        from synthtrial.tuning.sampling import built

        kinds: dict[str, Any] = {
            "median": pruners.MedianPruner,
            "percentile": pruners.PercentilePruner,
            "successive_halving": pruners.SuccessiveHalvingPruner,
            "threshold": pruners.ThresholdPruner,
        }
        return built(kinds[self.kind], dict(self.settings), "pruning")

    def file(self, images: int) -> str:
        """Where a point's folder keeps what was measured after a number of images."""
        return f"metrics_at_{images}.json"


def check_pruning(
    pruning: PruningSettings | None, generator: str | None, stages: Sequence[str], aims: int, own_function: bool
) -> None:
    """Refuse pruning where there is nothing to prune by.

    Raises:
        ConfigError: unless one metric of the fidelity stage of a generator that is trained is the only objective.
    """
    if pruning is None:
        return
    if list(stages) != ["train_gan", "synthesize", "fidelity"] or own_function or aims != 1 or generator is None:
        raise ConfigError(
            "pruning needs one objective, a metric of fidelity, and the stages train_gan, synthesize and fidelity: "
            "set `pruning: null`, or change these"
        )


def check_images(pruning: PruningSettings | None, generator: str | None, params: Mapping[str, Any]) -> None:
    """Refuse numbers of images that a training does not reach, and settings that the pruner does not take.

    Raises:
        ConfigError: for a number at or beyond the end, a generator that is not trained, or such settings.
    """
    if pruning is None:
        return
    pruning.build()
    train = params["generators"][generator].get("train")
    if train is None:
        raise ConfigError(f"pruning: {generator} is a control and not trained: set `pruning: null`")
    if pruning.images[-1] >= train["images"]:
        raise ConfigError(
            f"pruning.images: {pruning.images[-1]} is not below generators.{generator}.train.images={train['images']}"
        )
