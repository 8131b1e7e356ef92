"""Training samples of a segmenter: cropped where patches are trained on, then changed at random."""

from __future__ import annotations

from typing import Any

import torch
from monai.transforms import Compose, EnsureTyped, RandCropByLabelClassesd

from synthtrial.supervised.augmentation import AugmentationSettings, random_changes

BOTH = ("image", "mask")


def augmentation(settings: AugmentationSettings, *, crop_shape: tuple[int, ...] | None, n_labels: int) -> Compose:
    """Crop, mirror, rotate and scale image and mask together; change the contrast of the image.

    Args:
        settings: of the random changes.
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
    steps += random_changes(settings, *BOTH)
    return Compose([*steps, EnsureTyped(BOTH, dtype=(torch.float32, torch.uint8), track_meta=False)], map_items=False)


def _only(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """The one patch in the list that a MONAI crop returns."""
    return samples[0]
