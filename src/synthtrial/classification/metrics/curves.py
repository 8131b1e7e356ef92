"""What figures of a classifier show: ROC, precision against recall, reliability."""

from __future__ import annotations

import numpy as np
import pandas as pd

from synthtrial.classification.metrics.calibration import BINS, bin_of
from synthtrial.classification.metrics.judged import Judged, read_judged
from synthtrial.errors import ConfigError


def roc_curve(cases: pd.DataFrame) -> pd.DataFrame:
    """The ROC curve of one model, from no positive call to all of them.

    Args:
        cases: rows of `cases.csv` of one model.

    Returns:
        `threshold` (falling; infinite for no positive call), `false_positive_rate`, `recall`, of the positive class.

    Raises:
        ConfigError: when a class has no case.
    """
    from sklearn.metrics import roc_curve as of_scikit_learn

    judged = _with_both_classes(cases)
    false_positive_rate, recall, threshold = of_scikit_learn(judged.truth, judged.probability)
    return pd.DataFrame({"threshold": threshold, "false_positive_rate": false_positive_rate, "recall": recall})


def precision_recall_curve(cases: pd.DataFrame) -> pd.DataFrame:
    """Precision and recall of the positive class at every cut, from all positive calls to none.

    Args:
        cases: rows of `cases.csv` of one model.

    Returns:
        `threshold` (rising; infinite for no positive call, where the precision is 1 by convention), `recall`,
        `precision`. Draw it in steps: the area under the steps is the AUPRC.

    Raises:
        ConfigError: when a class has no case.
    """
    from sklearn.metrics import precision_recall_curve as of_scikit_learn

    judged = _with_both_classes(cases)
    precision, recall, threshold = of_scikit_learn(judged.truth, judged.probability)
    return pd.DataFrame({"threshold": np.append(threshold, np.inf), "recall": recall, "precision": precision})


def reliability(cases: pd.DataFrame) -> pd.DataFrame:
    """What was claimed and what was so, in the bins of the calibration error.

    Args:
        cases: rows of `cases.csv` of one model.

    Returns:
        Per bin that holds cases: `low, high` (its ends), `cases` (how many), `probability` (their mean, of the positive
        class) and `share` (of them that are of the positive class).
    """
    judged = read_judged(cases)
    rows = pd.DataFrame(
        {"bin": bin_of(judged.probability), "probability": judged.probability, "share": judged.truth.astype(float)}
    )
    means = rows.groupby("bin")[["probability", "share"]].mean()
    number = means.index.to_numpy()
    ends = {"low": number / BINS, "high": (number + 1) / BINS, "cases": rows.groupby("bin").size().to_numpy()}
    return pd.DataFrame(ends | {column: means[column].to_numpy() for column in means})


def _with_both_classes(cases: pd.DataFrame) -> Judged:
    """The cases of a curve, which needs both classes."""
    judged = read_judged(cases)
    if judged.truth.all() or not judged.truth.any():
        missing = (judged.negative or "negative") if judged.truth.all() else judged.positive
        raise ConfigError(f"{judged.place}: no case is {missing}, so there is no curve; judge cases of both classes")
    return judged
