"""All scores of one model: pooled over its cases, each case counting once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from synthtrial.classification.metrics import calibration, counts, ranking
from synthtrial.classification.metrics.judged import Judged, read_judged
from synthtrial.classification.metrics.names import metric_names, metric_of
from synthtrial.errors import ConfigError


class Additive(NamedTuple):
    """A metric that follows from sums over cases.

    Attributes:
        terms: what is summed, `(n, k)`.
        value: the metric of the sums, `(..., k)` to `(...)`.
    """

    terms: Callable[[Judged], np.ndarray]
    value: Callable[[np.ndarray], np.ndarray]


ADDITIVE = {
    "balanced_accuracy": Additive(counts.call_counts, counts.balanced_accuracy),
    "accuracy": Additive(counts.call_counts, counts.accuracy),
    "brier": Additive(calibration.squared_errors, calibration.mean),
    "log_loss": Additive(calibration.log_losses, calibration.mean),
    "calibration_error": Additive(calibration.excesses, calibration.calibration_error),
    "precision": Additive(counts.call_counts, counts.precision),
    "recall": Additive(counts.call_counts, counts.recall),
    "f1": Additive(counts.call_counts, counts.f1),
}
RANKING = {"auroc": ranking.auroc, "auprc": ranking.auprc}


def score(cases: pd.DataFrame, metric: str) -> float:
    """One score of a model, pooled over its cases.

    Args:
        cases: rows of `cases.csv` of one model: one row per case.
        metric: one of `metric_names`.

    Raises:
        ConfigError: when the metric is undefined as a class has no case: AUROC, AUPRC, balanced accuracy, recall. The
            precision of a class that was never predicted, and its F1, are 0.
        ValueError: when it is no metric, or a case comes twice.
    """
    return score_of(read_judged(cases), metric)


def scores(cases: pd.DataFrame) -> dict[str, float]:
    """All scores of a model, by the names of `metric_names`.

    Raises:
        ConfigError: when a class has no case.
        ValueError: when a case comes twice.
    """
    judged = read_judged(cases)
    return {name: score_of(judged, name) for name in metric_names([judged.negative or "negative", judged.positive])}


def score_of(judged: Judged, metric: str) -> float:
    """One score of judged cases; see `score`."""
    name, _, class_name = metric.partition("/")
    judged = judged.seen_from(class_name) if metric_of(metric).about == "one" else judged
    if metric_of(metric).needs_cases:
        for is_there, of_class in truths(judged, metric):
            if not is_there.any():
                raise ConfigError(
                    f"{judged.place}: no case is {of_class or 'of the negative class'}, so {metric} is undefined; "
                    "judge cases of both classes"
                )
    if name in RANKING:
        return RANKING[name](judged)
    return float(ADDITIVE[name].value(ADDITIVE[name].terms(judged).sum(0)))


def truths(judged: Judged, metric: str) -> list[tuple[np.ndarray, str]]:
    """The classes that a metric is about: for each, which cases are of it, bool `(n,)`, and its name.

    Args:
        judged: the cases, seen from the class of the metric if it is about one.
        metric: one of `metric_names`.
    """
    both = [(judged.truth, judged.positive), (~judged.truth, judged.negative)]
    return {"both": both, "one": both[:1], "none": []}[metric_of(metric).about]
