"""What a classic model sees of a case: its voxels, a feature extractor's answer, or one number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from synthtrial.classification.samples import label_of
from synthtrial.errors import CohortError, ConfigError
from synthtrial.fidelity.features.extractor import CaseExtractor, FeatureExtractor, LearnedExtractor
from synthtrial.params import build
from synthtrial.supervised.case import Sample, TrainingCase

SMALLEST_LESION = 1e-3
"""Lesion size, ml (cm2 in 2D), that a case without a lesion is given, so that its logarithm exists."""

Features = Callable[[TrainingCase, Sample], np.ndarray]
"""Features `(d,)` of a case and its sample."""


def features_from(features: str | Mapping[str, Any], spatial_dims: int) -> Features:
    """The function that `features:` of a classic model names.

    Args:
        features: `pixels`, `lesion_size`, `brightness`, or `_target_` and settings of a fidelity feature extractor.
        spatial_dims: 2 or 3.

    Raises:
        ConfigError: for an extractor that looks at more than the image, or learns from the cases first.
    """
    if isinstance(features, str):
        return {"pixels": pixels, "lesion_size": lesion_size, "brightness": brightness}[features]
    extractor = build(dict(features), spatial_dims=spatial_dims)
    more = isinstance(extractor, CaseExtractor | LearnedExtractor)
    if more or not isinstance(extractor, FeatureExtractor):
        raise ConfigError(
            f"features: {features['_target_']} looks at more than images, or is trained on the cases first; take "
            "random_conv, inception_v3 or medicalnet50"
        )
    return partial(extracted, extractor=extractor)


def read_features(cases: Sequence[TrainingCase], features: Features) -> tuple[np.ndarray, np.ndarray]:
    """Features `(n, d)` and labels `(n,)` of cases, each read once."""
    rows, labels = [], []
    for case in cases:
        sample = case.loader()
        rows.append(features(case, sample))
        labels.append(label_of(case, sample))
    return np.stack(rows), np.array(labels)


def pixels(case: TrainingCase, sample: Sample) -> np.ndarray:
    """All values of the image in one row, float32."""
    return np.array(sample["image"], np.float32).ravel()


def brightness(case: TrainingCase, sample: Sample) -> np.ndarray:
    """Mean of the image, on its scale of [-1, 1]."""
    return np.array([np.mean(sample["image"], dtype=np.float64)])


def lesion_size(case: TrainingCase, sample: Sample) -> np.ndarray:
    """Natural logarithm of the lesion's size, ml (cm2 in 2D).

    Raises:
        CohortError: for a case whose lesion size is not known.
    """
    if "lesion_ml" not in sample or not np.isfinite(sample["lesion_ml"]):
        raise CohortError(
            f"case {case.case_id} ({case.source}) has no lesion size, as it has no mask: `features: lesion_size` "
            "needs a cohort with masks, and `arms: reference`, which keeps it to the real cases"
        )
    return np.array([math.log(max(float(sample["lesion_ml"]), SMALLEST_LESION))])


def extracted(case: TrainingCase, sample: Sample, extractor: FeatureExtractor) -> np.ndarray:
    """Features of the image by an extractor."""
    return extractor(np.array(sample["image"], np.float32)[None])[0]
