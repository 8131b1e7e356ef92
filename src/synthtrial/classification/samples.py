"""What a classifier is given of a case: its image and its class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from synthtrial.errors import CohortError, ConfigError
from synthtrial.supervised.case import Sample, TrainingCase


def only_what_is_learned(cases: Sequence[TrainingCase]) -> list[TrainingCase]:
    """The same cases, whose loaders give `image` and `label` alone: batches are made of cases with the same keys."""

    def load(case: TrainingCase) -> Sample:
        sample = case.loader()
        return {"image": np.asarray(sample["image"]), "label": np.array(sample["label"], np.int64)}

    return [replace(case, loader=partial(load, case)) for case in cases]


def label_of(case: TrainingCase, sample: Sample) -> int:
    """The class of a case, 0 or 1.

    Raises:
        CohortError: for another one.
    """
    label = int(sample["label"])
    if label not in (0, 1):
        raise CohortError(
            f"case {case.case_id} is of class number {label}; the classes are 0 (negative) and 1 (positive)"
        )
    return label


def labels_of(cases: Sequence[TrainingCase]) -> list[int]:
    """The class of each case; reads each once."""
    return [label_of(case, case.loader()) for case in cases]


def class_weights(labels: Sequence[int] | np.ndarray) -> np.ndarray:
    """Weights `(2,)` of the classes 0 and 1, both there: the inverse of their shares, with a mean of 1 over cases."""
    return len(labels) / (2 * np.bincount(labels, minlength=2))


def check_classes(labels: Sequence[int], classes: Sequence[str], name: str) -> None:
    """Raise a ConfigError unless both classes are among the labels of the cases called `name`."""
    if missing := [word for number, word in enumerate(classes) if number not in labels]:
        raise ConfigError(
            f"{name} has {len(labels)} cases and none of class {missing[0]!r}: what learns from one class alone gives "
            "every case the same answer; change the arm's cases"
        )


def check_image(sample: Sample, *, channels: int, spatial_dims: int) -> None:
    """Raise a ConfigError unless an image has the channels and axes that the cohort declares."""
    found = np.shape(sample["image"])
    if len(found) != 1 + spatial_dims or found[0] != channels:
        colours = {1: " (grey)", 3: " (colour)"}
        raise ConfigError(
            f"the images have {found[0]} channels{colours.get(found[0], '')} and {len(found) - 1} axes, but the cohort "
            f"declares {channels}{colours.get(channels, '')} and {spatial_dims}: prepare it again, with the "
            "channels that its images have"
        )
