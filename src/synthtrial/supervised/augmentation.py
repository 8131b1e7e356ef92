"""Random changes of training cases: one recipe for every arm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from synthtrial.errors import ConfigError
from synthtrial.params import construct


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


def augmentation_settings(settings: Any, place: str) -> AugmentationSettings:
    """Check the `augmentation:` part of a training, which stands at `place`.

    Raises:
        ConfigError: for an unknown or missing key, or a value of the wrong type or out of range.
    """
    augmentation = construct(AugmentationSettings, settings, place)
    for key, value in vars(augmentation).items():
        highest = 1 if key.endswith("probability") else inf
        if key != "flip_axes" and not 0 <= value <= highest:
            raise ConfigError(f"{place}.{key} is {value}; it must be from 0 to {highest}")
    return replace(augmentation, flip_axes=tuple(augmentation.flip_axes))


def check_axes(axes: Sequence[int], spatial_dims: int, place: str) -> None:
    """Raise a ConfigError when the cases lack an axis that they are to be mirrored along."""
    if wrong := [axis for axis in axes if axis not in range(spatial_dims)]:
        raise ConfigError(f"{place}: there is no axis {wrong[0]}; there are 0 to {spatial_dims - 1}")


def random_changes(settings: AugmentationSettings, *keys: str) -> list[Any]:
    """MONAI transforms that mirror, rotate and scale what a sample has under the keys, and change the image's contrast.

    Args:
        settings: probabilities and sizes; a probability or size of zero leaves a change out.
        keys: `image`, and `mask` where it moves along.
    """
    from monai.transforms import RandAffined, RandFlipd, RandGaussianNoised, RandScaleIntensityd, RandShiftIntensityd

    steps: list[Any] = [RandFlipd(keys, prob=0.5, spatial_axis=axis) for axis in settings.flip_axes]
    if settings.affine_probability:
        angle = math.radians(settings.rotate_degrees)
        steps.append(
            RandAffined(
                keys,
                prob=settings.affine_probability,
                rotate_range=[angle] * 3,
                scale_range=[settings.scale] * 3,
                mode=("bilinear", "nearest")[: len(keys)],
                padding_mode=("border", "zeros")[: len(keys)],
            )
        )
    if settings.intensity_probability:
        probability = settings.intensity_probability
        steps += [
            RandScaleIntensityd("image", factors=settings.intensity_scale, prob=probability),
            RandShiftIntensityd("image", offsets=settings.intensity_shift, prob=probability),
            RandGaussianNoised("image", prob=probability, std=settings.noise),
        ]
    return steps
