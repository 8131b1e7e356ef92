"""How well probabilities rank positive cases above negative ones, whatever the threshold.

Both metrics are means over the positive cases of something counted among the others, which `jackknife.py` corrects for
the cases that it leaves out.
"""

from __future__ import annotations

import numpy as np

from synthtrial.classification.metrics.judged import Judged


def auroc(judged: Judged) -> float:
    """Area under the ROC curve: the share of pairs of a positive and a negative case that are ranked right, ties half.

    That is the Mann-Whitney statistic; Hanley, McNeil 1982, Radiology 143:29.
    """
    positive, negative = judged.probability[judged.truth], judged.probability[~judged.truth]
    return float(wins(positive, negative).mean() / len(negative))


def auprc(judged: Judged) -> float:
    """Area under the precision-recall curve as the average precision: steps, without interpolation.

    The mean over the positive cases of the precision of the cut that has this case as its last, ties on one side;
    without skill it is the share of positive cases.
    """
    positive, negative = judged.probability[judged.truth], judged.probability[~judged.truth]
    true, false = at_or_above(positive, positive), at_or_above(negative, positive)
    return float((true / (true + false)).mean())


def wins(probability: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How many of `others` `(m,)` each probability `(n,)` is above, a tie counting half, `(n,)`."""
    ranked = np.sort(others)
    return (np.searchsorted(ranked, probability, "left") + np.searchsorted(ranked, probability, "right")) / 2


def at_or_above(probability: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """How many of the probabilities `(n,)` are at or above each cut `(m,)`, `(m,)`."""
    return len(probability) - np.searchsorted(np.sort(probability), cuts, "left")
