"""Counts of right and wrong calls at the model's threshold, and the metrics that follow from them.

A metric of this file is a function of the four counts alone, which are sums over cases. So what it is without some
cases follows from a subtraction (`jackknife.py`). Where a ratio has no denominator it is 0, as with scikit-learn's
`zero_division=0`: the precision of a class that was never predicted, and F1 where a class was neither predicted nor
there. So a model gains nothing by silence. The recall of a class without a case is no such matter: it says nothing of
the model but of the cases, and `scoring.py` refuses it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from synthtrial.classification.metrics.judged import Judged, read_judged
from synthtrial.errors import ConfigError


def call_counts(judged: Judged) -> np.ndarray:
    """One row per case, `(n, 4)`: a 1 for what it is: true positive, false positive, false negative, true negative."""
    truth, predicted = judged.truth, judged.predicted
    return np.stack([truth & predicted, ~truth & predicted, truth & ~predicted, ~truth & ~predicted], 1).astype(float)


def precision(counts: np.ndarray) -> np.ndarray:
    """Share of the predicted cases that are of the class, TP / (TP + FP), of counts `(..., 4)`; 0 with none."""
    tp, fp, _, _ = np.moveaxis(counts, -1, 0)
    return _ratio(tp, tp + fp)


def recall(counts: np.ndarray) -> np.ndarray:
    """Share of the class's cases that are predicted, TP / (TP + FN), of counts `(..., 4)`; 0 with none."""
    tp, _, fn, _ = np.moveaxis(counts, -1, 0)
    return _ratio(tp, tp + fn)


def f1(counts: np.ndarray) -> np.ndarray:
    """Harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN), of counts `(..., 4)`; 0 with none."""
    tp, fp, fn, _ = np.moveaxis(counts, -1, 0)
    return _ratio(2 * tp, 2 * tp + fp + fn)


def accuracy(counts: np.ndarray) -> np.ndarray:
    """Share of right calls, of counts `(..., 4)`."""
    return _ratio(counts[..., 0] + counts[..., 3], counts.sum(-1))


def balanced_accuracy(counts: np.ndarray) -> np.ndarray:
    """Mean of both classes' recalls, of counts `(..., 4)`: 1/2 for calls that know nothing, however rare a class is."""
    return (recall(counts) + recall(counts[..., ::-1])) / 2


def confusion(cases: pd.DataFrame) -> pd.DataFrame:
    """How many cases of each class (rows, `label`) were predicted to be of each (columns, `predicted`).

    Args:
        cases: rows of `cases.csv` of one model.

    Returns:
        A 2 x 2 table by class names, the negative class first.

    Raises:
        ConfigError: when all cases are, and were predicted to be, of one class: the other's name is not known.
    """
    judged = read_judged(cases)
    if not judged.negative:
        raise ConfigError(f"{judged.place}: all cases are {judged.positive!r}; a confusion table needs two classes")
    tp, fp, fn, tn = call_counts(judged).sum(0).astype(int)
    names = [judged.negative, judged.positive]
    return pd.DataFrame(
        [[tn, fp], [fn, tp]], index=pd.Index(names, name="label"), columns=pd.Index(names, name="predicted")
    )


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Part over whole; 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros_like(whole, float), where=whole > 0)
