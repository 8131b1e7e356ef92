"""Metrics of both tasks: names, direction and words. The names of the two tasks don't overlap."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Literal

from synthtrial.errors import ConfigError

Task = Literal["segment", "classify"]
"""What the models of a study do."""


def task_of(metric: str) -> Task:
    """Which task has a metric.

    Raises:
        ValueError: when neither has.
    """
    from synthtrial.segmentation.metrics.names import METRICS

    if metric.partition("/")[0] in METRICS:
        return "segment"
    from synthtrial.classification.metrics import is_metric

    if is_metric(metric):
        return "classify"
    raise ValueError(f"{metric!r} is no metric of a segmentation or a classification")


def check_class(metric: str, classes: Sequence[str]) -> None:
    """Raise a ConfigError when a metric of a classifier, such as `recall/malignant`, is about a class that isn't there.

    Args:
        metric: as `protocol.metric` names it.
        classes: of the cohort.
    """
    class_name = metric.partition("/")[2]
    if class_name and class_name not in classes:
        raise ConfigError(f"protocol.metric is {metric!r}, but the classes of the cohort are {' and '.join(classes)}")


def larger_is_better(metric: str) -> bool:
    """Which direction of a metric is good.

    Raises:
        ValueError: when neither task has such a metric.
    """
    return _package_of(metric).larger_is_better(metric)


def in_words(metric: str) -> str:
    """A metric for readers, such as `Dice of tumour`, `AUROC` or `Recall of malignant`.

    Raises:
        ValueError: when neither task has such a metric.
    """
    return _package_of(metric).in_words(metric)


def _package_of(metric: str) -> ModuleType:
    """The metrics of the task that this one is of."""
    from synthtrial.classification import metrics as of_classes
    from synthtrial.segmentation import metrics as of_masks

    return of_masks if task_of(metric) == "segment" else of_classes
