"""Names of the metrics of a classifier: what a verdict may be about, and words for readers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Metric(NamedTuple):
    """How a metric is spoken of, and what it needs.

    Attributes:
        title: its name.
        larger_is_better: which direction is good.
        about: the classes it is about: `both`, `one` (then it is named `<metric>/<class>`), or `none` where every case
            counts alike, whatever its class.
        needs_cases: whether it is undefined without a case of the classes that it is about.
    """

    title: str
    larger_is_better: bool
    about: str
    needs_cases: bool


METRICS = {
    "auroc": Metric("AUROC", True, "both", True),
    "auprc": Metric("AUPRC", True, "both", True),
    "balanced_accuracy": Metric("Balanced accuracy", True, "both", True),
    "accuracy": Metric("Accuracy", True, "none", False),
    "brier": Metric("Brier score", False, "none", False),
    "log_loss": Metric("Log loss", False, "none", False),
    "calibration_error": Metric("Calibration error", False, "none", False),
    "precision": Metric("Precision", True, "one", False),
    "recall": Metric("Recall", True, "one", True),
    "f1": Metric("F1", True, "one", False),
}
"""Precision and F1 are 0 where they are undefined, recall is refused: `counts.py` says why."""


def metric_names(classes: Sequence[str]) -> list[str]:
    """The metrics that a verdict may be about, those of a class once per class.

    Args:
        classes: names of the two classes, the negative one first.
    """
    names = [name for name, metric in METRICS.items() if metric.about != "one"]
    of_a_class = [name for name, metric in METRICS.items() if metric.about == "one"]
    return names + [f"{name}/{class_name}" for name in of_a_class for class_name in classes]


def is_metric(name: str) -> bool:
    """Whether this names a metric, such as `auroc` or `recall/malignant`, of whatever class."""
    metric, slash, class_name = name.partition("/")
    if metric not in METRICS:
        return False
    return bool(class_name) if METRICS[metric].about == "one" else not slash


def larger_is_better(metric: str) -> bool:
    """Which direction of a metric is good.

    Raises:
        ValueError: when it is no metric.
    """
    return metric_of(metric).larger_is_better


def in_words(metric: str) -> str:
    """A metric for readers, such as `AUROC` or `Recall of malignant`.

    Raises:
        ValueError: when it is no metric.
    """
    title, class_name = metric_of(metric).title, metric.partition("/")[2]
    return title + (f" of {class_name}" if class_name else "")


def metric_of(name: str) -> Metric:
    """What a name such as `recall/malignant` stands for.

    Raises:
        ValueError: when it is no metric.
    """
    if not is_metric(name):
        raise ValueError(f"{name!r} is no metric of a classifier; there are: {', '.join(metric_names(['<class>']))}")
    return METRICS[name.partition("/")[0]]
