"""How a segmenter is trained, as `conf/segmenter/*.yaml` says it under `train:`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, inf
from typing import Any

from synthtrial.errors import ConfigError
from synthtrial.params import construct
from synthtrial.setting_types import check_type


@dataclass(frozen=True, kw_only=True)
class AugmentationSettings:
    """Random changes of every training case, real or synthetic alike.

    Attributes:
        flip_axes: spatial axes mirrored with probability 0.5.
        affine_probability: share of the cases that are rotated and scaled.
        rotate_degrees: largest rotation about each axis, degrees.
        scale: largest relative change of size.
        intensity_probability: share of the cases for each intensity change.
        intensity_scale: largest relative change of contrast.
        intensity_shift: largest shift, on the image's scale of [-1, 1].
        noise: largest standard deviation of Gaussian noise, on the same scale.
    """

    flip_axes: tuple[int, ...]
    affine_probability: float
    rotate_degrees: float
    scale: float
    intensity_probability: float
    intensity_scale: float
    intensity_shift: float
    noise: float


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
        """Optimizer steps of a training on so many cases; an epoch has as many as draw each case once."""
        if self.epochs is None:
            assert self.steps is not None
            return self.steps
        return self.epochs * ceil(n_cases / self.batch_size)


def train_settings(train: Mapping[str, Any], place: str = "train") -> TrainSettings:
    """Check the `train:` part of a segmenter, which stands at `place`.

    Raises:
        ConfigError: for an unknown or missing key, or a value of the wrong type or out of range.
    """
    check_type(train, dict, place)
    augmentation = construct(AugmentationSettings, train.get("augmentation"), f"{place}.augmentation")
    settings = construct(TrainSettings, {**train, "augmentation": augmentation}, place)
    for key, value in vars(augmentation).items():
        highest = 1 if key.endswith("probability") else inf
        if key != "flip_axes" and not 0 <= value <= highest:
            raise ConfigError(f"{place}.augmentation.{key} is {value}; it must be from 0 to {highest}")
    if (settings.steps is None) == (settings.epochs is None):
        raise ConfigError(
            f"{place}: the budget is in steps or in epochs, and the other one is null, "
            f"but steps is {_in_yaml(settings.steps)} and epochs is {_in_yaml(settings.epochs)}"
        )
    for key in ("steps", "epochs", "batch_size", "validate_every"):
        if (value := getattr(settings, key)) is not None and value < 1:
            raise ConfigError(f"segmenter: train.{key} is {getattr(settings, key)}; it must be at least 1")
    for key in ("warmup", "overlap"):
        if not 0 <= getattr(settings, key) < 1:
            raise ConfigError(f"segmenter: train.{key} is {getattr(settings, key)}; it must be at least 0 and below 1")
    if settings.lr <= 0 or settings.weight_decay < 0:
        raise ConfigError(
            "segmenter: train.lr must be above 0 and train.weight_decay at least 0, "
            f"but they are {settings.lr} and {settings.weight_decay}"
        )
    if len(set(settings.flips)) < len(settings.flips):
        raise ConfigError(f"{place}.flips names an axis twice: {list(settings.flips)}")
    return replace(
        settings,
        patch_shape=tuple(settings.patch_shape) if settings.patch_shape else None,
        flips=tuple(settings.flips),
        augmentation=replace(augmentation, flip_axes=tuple(augmentation.flip_axes)),
    )


def _in_yaml(value: int | None) -> str:
    return "null" if value is None else str(value)
