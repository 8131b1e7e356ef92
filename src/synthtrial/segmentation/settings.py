"""How a segmenter is trained, as `conf/segmenter/*.yaml` says it under `train:`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
        epochs: how often each case of the arm is drawn, so that larger arms get more steps; None where the budget is in
            steps.
        batch_size: cases (or patches) per step.
        patch_shape: voxels per axis of one training patch; None for the whole volume.
        lr: peak learning rate of AdamW.
        weight_decay: decoupled weight decay of AdamW.
        warmup: share of the steps over which the learning rate rises linearly.
        validate_every: steps between two validation points of the learning curve.
        overlap: share of two neighbouring patches that overlaps in sliding-window inference.
        flips: axes along which a test case is mirrored; the answers to all mirrored images are averaged.
        augmentation: random changes of the training cases.
    """

    steps: int | None
    epochs: int | None
    batch_size: int
    patch_shape: tuple[int, ...] | None
    lr: float
    weight_decay: float
    warmup: float
    validate_every: int
    overlap: float
    flips: tuple[int, ...]
    augmentation: AugmentationSettings

    def steps_for(self, n_cases: int) -> int:
        """Optimizer steps of a training on so many cases."""
        return steps_for(self.steps, self.epochs, n_cases, self.batch_size)


def train_settings(train: Mapping[str, Any], place: str = "train") -> TrainSettings:
    """Check the `train:` part of a segmenter, which stands at `place`.

    Raises:
        ConfigError: for an unknown or missing key, or a value of the wrong type or out of range.
    """
    check_type(train, dict, place)
    augmentation = augmentation_settings(train.get("augmentation"), f"{place}.augmentation")
    settings = construct(TrainSettings, {**train, "augmentation": augmentation}, place)
    check_budget(settings, place)
    if not 0 <= settings.overlap < 1:
        raise ConfigError(f"{place}.overlap is {settings.overlap}; it must be at least 0 and below 1")
    if len(set(settings.flips)) < len(settings.flips):
        raise ConfigError(f"{place}.flips names an axis twice: {list(settings.flips)}")
    return replace(
        settings,
        patch_shape=tuple(settings.patch_shape) if settings.patch_shape else None,
        flips=tuple(settings.flips),
    )
