"""Names of the metrics of a segmented case: columns of `cases.csv`, and words for readers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Metric(NamedTuple):
    """How a metric is spoken of.

    Attributes:
        title: its name.
        unit: `mm`, or empty for a share.
        larger_is_better: which direction is good.
    """

    title: str
    unit: str
    larger_is_better: bool


METRICS = {
    "dice": Metric("Dice", "", True),
    "hd95_mm": Metric("HD95", "mm", False),
    "nsd": Metric("NSD", "", True),
    "volume_error": Metric("Volume error", "", False),
    "lesion_sensitivity": Metric("Lesion sensitivity", "", True),
    "lesion_precision": Metric("Lesion precision", "", True),
}
"""What every case is scored by: column `<metric>` is the mean over the labels, `<metric>/<label>` that of one."""


def metric_names(labels: Sequence[str]) -> list[str]:
    """Columns of `cases.csv` that a verdict may be about: each metric as the mean of the labels, and of each label."""
    return [name for metric in METRICS for name in (metric, *(f"{metric}/{label}" for label in labels))]


def larger_is_better(metric: str) -> bool:
    """Which direction of a column of `cases.csv` is good.

    Raises:
        ValueError: when it is no metric.
    """
    return metric_of(metric).larger_is_better


def in_words(metric: str) -> str:
    """A column for readers, such as `Dice`, `HD95 (mm)` or `Dice of tumour`."""
    found, label = metric_of(metric), metric.partition("/")[2]
    return found.title + (f" of {label}" if label else "") + (f" ({found.unit})" if found.unit else "")


def metric_of(column: str) -> Metric:
    """The metric that a column of `cases.csv` holds.

    Raises:
        ValueError: when it is no metric.
    """
    name = column.partition("/")[0]
    if name not in METRICS:
        raise ValueError(f"{column!r} is no metric; there are: {', '.join(METRICS)}")
    return METRICS[name]
