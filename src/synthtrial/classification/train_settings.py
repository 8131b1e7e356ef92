"""How a network is trained to classify, as `conf/classifier/*.yaml` says it under `train:`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from synthtrial.errors import ConfigError
from synthtrial.params import construct
from synthtrial.setting_types import check_type
from synthtrial.supervised.augmentation import AugmentationSettings, augmentation_settings
from synthtrial.supervised.budget import check_budget, steps_for


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """Budget and optimisation of one fold model.

    Attributes:
        steps: optimizer steps, the same for every arm; None where the budget is in epochs.
        epochs: how often each case of the arm is drawn; None where the budget is in steps.
        batch_size: cases per step.
        lr: peak learning rate of AdamW.
        weight_decay: decoupled weight decay of AdamW.
        warmup: share of the steps over which the learning rate rises linearly.
        validate_every: steps between two validation points of the learning curve.
        focal_gamma: how much the focal loss turns away from cases that are right already; of arms that balance by it.
        augmentation: random changes of the training cases.
    """

    steps: int | None
    epochs: int | None
    batch_size: int
    lr: float
    weight_decay: float
    warmup: float
    validate_every: int
    focal_gamma: float
    augmentation: AugmentationSettings

    def steps_for(self, n_cases: int) -> int:
        """Optimizer steps of a training on so many cases."""
        return steps_for(self.steps, self.epochs, n_cases, self.batch_size)


def train_settings(settings: Any, place: str) -> TrainSettings:
    """Check the `train:` part of a network's settings, which stands at `place`.

    Raises:
        ConfigError: for an unknown or missing key, or a value of the wrong type or out of range.
    """
    check_type(settings, dict, place)
    augmentation = augmentation_settings(settings.get("augmentation"), f"{place}.augmentation")
    train = construct(TrainSettings, {**settings, "augmentation": augmentation}, place)
    check_budget(train, place)
    if train.focal_gamma < 0:
        raise ConfigError(f"{place}.focal_gamma is {train.focal_gamma}; it must be at least 0")
    return train
