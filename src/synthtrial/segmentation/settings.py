"""How a segmenter is trained, as `conf/segmenter/*.yaml` says it under `train:`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from synthtrial.errors import ConfigError


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
        steps: optimizer steps, the same for every arm.
        batch_size: cases (or patches) per step.
        patch_shape: voxels per axis of one training patch; None for the whole volume.
        lr: peak learning rate of AdamW.
        weight_decay: decoupled weight decay of AdamW.
        warmup: share of the steps over which the learning rate rises linearly.
        validate_every: steps between two validation points of the learning curve.
        overlap: share of two neighbouring patches that overlaps in sliding-window inference.
        augmentation: random changes of the training cases.
    """

    steps: int
    batch_size: int
    patch_shape: tuple[int, ...] | None
    lr: float
    weight_decay: float
    warmup: float
    validate_every: int
    overlap: float
    augmentation: AugmentationSettings


def train_settings(train: Mapping[str, Any]) -> TrainSettings:
    """Check the `train:` part of a segmenter.

    Raises:
        ConfigError: for an unknown or missing key, or a value out of range.
    """
    train = dict(train)
    _check_keys(train, TrainSettings, "train")
    augmentation = dict(train.pop("augmentation"))
    _check_keys(augmentation, AugmentationSettings, "train.augmentation")
    augmentation["flip_axes"] = tuple(augmentation["flip_axes"])
    patch_shape = train.pop("patch_shape")
    settings = TrainSettings(
        **train,
        patch_shape=tuple(patch_shape) if patch_shape else None,
        augmentation=AugmentationSettings(**augmentation),
    )
    for key in ("steps", "batch_size", "validate_every"):
        if getattr(settings, key) < 1:
            raise ConfigError(f"segmenter: train.{key} is {getattr(settings, key)}; it must be at least 1")
    for key in ("warmup", "overlap"):
        if not 0 <= getattr(settings, key) < 1:
            raise ConfigError(f"segmenter: train.{key} is {getattr(settings, key)}; it must be at least 0 and below 1")
    return settings


def _check_keys(given: Mapping[str, Any], wanted: type, place: str) -> None:
    names = [field.name for field in fields(wanted)]
    for name in given:
        if name not in names:
            raise ConfigError(f"segmenter: unknown key {place}.{name}; there are: {', '.join(names)}")
    for name in names:
        if name not in given:
            raise ConfigError(f"segmenter: {place}.{name} is missing; conf/segmenter/unet.yaml shows its meaning")
