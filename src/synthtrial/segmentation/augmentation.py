"""Random changes of training cases: one recipe for every arm."""

from __future__ import annotations

import math
from typing import Any

import torch
from monai.transforms import (
    Compose,
    EnsureTyped,
    RandAffined,
    RandCropByLabelClassesd,
    RandFlipd,
    RandGaussianNoised,
    RandScaleIntensityd,
    RandShiftIntensityd,
)

from synthtrial.segmentation.settings import AugmentationSettings

BOTH = ("image", "mask")


def augmentation(settings: AugmentationSettings, *, crop_shape: tuple[int, ...] | None, n_labels: int) -> Compose:
    """Crop, mirror, rotate and scale image and mask together; change the contrast of the image.

    Args:
        settings: probabilities and sizes; a probability or size of zero leaves a change out.
        crop_shape: voxels per axis of the patch to cut out; None keeps the whole volume. The patch is centred on a
            voxel of the background or of one of the labels that the case has, each equally often.
        n_labels: labels of the mask.

    Returns:
        A transform of `{"image": (C, *S), "mask": (1, *S)}` that gives `{"image": float32, "mask": uint8}` tensors;
        `Repeatable` seeds it.
    """
    steps: list[Any] = []
    if crop_shape is not None:
        crop = RandCropByLabelClassesd(
            BOTH,
            label_key="mask",
            spatial_size=crop_shape,
            ratios=[1] * (1 + n_labels),
            num_classes=1 + n_labels,
            warn=False,
        )
        steps += [crop, _only]
    steps += [RandFlipd(BOTH, prob=0.5, spatial_axis=axis) for axis in settings.flip_axes]
    if settings.affine_probability:
        angle = math.radians(settings.rotate_degrees)
        steps.append(
            RandAffined(
                BOTH,
                prob=settings.affine_probability,
                rotate_range=[angle] * 3,
                scale_range=[settings.scale] * 3,
                mode=("bilinear", "nearest"),
                padding_mode=("border", "zeros"),
            )
        )
    if settings.intensity_probability:
        probability = settings.intensity_probability
        steps += [
            RandScaleIntensityd("image", factors=settings.intensity_scale, prob=probability),
            RandShiftIntensityd("image", offsets=settings.intensity_shift, prob=probability),
            RandGaussianNoised("image", prob=probability, std=settings.noise),
        ]
    return Compose([*steps, EnsureTyped(BOTH, dtype=(torch.float32, torch.uint8), track_meta=False)], map_items=False)


def _only(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """The one patch in the list that a MONAI crop returns."""
    return samples[0]
