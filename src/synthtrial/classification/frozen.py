"""Features of a frozen body, made once per case where nothing changes from one time to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from synthtrial.classification.network import Classifier
from synthtrial.fidelity.features.frozen_network import exact_inference
from synthtrial.supervised.augmentation import AugmentationSettings
from synthtrial.supervised.case import Sample, TrainingCase


def changes_nothing(augmentation: AugmentationSettings) -> bool:
    """Whether every training case is shown as it is, each time."""
    return not (augmentation.flip_axes or augmentation.affine_probability or augmentation.intensity_probability)


def as_features(network: Classifier, cases: Sequence[TrainingCase]) -> list[TrainingCase]:
    """The same cases with the features of their images, `(F,)`, in place of the images.

    Each image goes through the body by itself, so that its features don't depend on the others. A case that stands
    several times among the cases is computed once.

    Args:
        network: with a frozen body, on the device to compute on.
        cases: with loaders that give `image` and `label`.
    """
    device = next(network.parameters()).device
    known: dict[tuple[str, str], Sample] = {}
    for case in cases:
        if (case.source, case.case_id) not in known:
            sample = case.loader()
            with exact_inference():
                image = torch.from_numpy(np.array(sample["image"], np.float32))[None].to(device)
                features = network.body(image)[0].cpu().numpy()
            known[case.source, case.case_id] = {"image": np.array(features), "label": sample["label"]}
    return [replace(case, loader=partial(known.__getitem__, (case.source, case.case_id))) for case in cases]
