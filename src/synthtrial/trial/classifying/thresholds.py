"""The probability from which on a case counts as positive, chosen on validation cases alone."""

from __future__ import annotations

import numpy as np

from synthtrial.errors import ConfigError
from synthtrial.trial.protocol import Protocol

RULES = ("half", "youden", "f1")
"""0.5; largest sensitivity + specificity - 1 (Youden 1950, Cancer 3:32); largest F1 of the positive class."""

HALF = 0.5


def check_rule(rule: str, protocol: Protocol) -> None:
    """Raise a ConfigError for an unknown rule, and for one that would choose on the very cases that are judged."""
    if rule not in RULES:
        raise ConfigError(f"protocol.threshold is {rule!r}; expected one of: {', '.join(RULES)}")
    if protocol.judged_on_folds and rule != "half":
        raise ConfigError(
            f"protocol.threshold is {rule}, but under {protocol.name} the cases that a threshold would be chosen on "
            "are those that the model is judged on: set it to half"
        )


def choose_threshold(truth: np.ndarray, probability: np.ndarray, rule: str) -> float:
    """The threshold of a model: a case counts as positive when its probability is at least this.

    It lies midway between two neighbouring probabilities, so that no rounding moves a case across; 0 and 1 are
    neighbours of the lowest and the highest. Of several cuts that are equally good, the one nearest to 0.5 is taken,
    and the lower one of two as near. Where all cases are of one class, no cut can be told good, and it is 0.5.

    Args:
        truth: whether a validation case is of the positive class, bool `(n,)`.
        probability: of the positive class, in [0, 1], `(n,)`.
        rule: one of `RULES`.

    Raises:
        ValueError: when there is no such rule, the arrays differ in length, or a probability is not in [0, 1].
    """
    if rule not in RULES:
        raise ValueError(f"{rule!r} is no rule of a threshold; there are: {', '.join(RULES)}")
    truth, probability = np.asarray(truth, bool), np.asarray(probability, float)
    if truth.shape != probability.shape or not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("a threshold needs one truth and one probability in [0, 1] per case")
    n_positive, n_negative = int(truth.sum()), int((~truth).sum())
    if rule == "half" or not n_positive or not n_negative:
        return HALF
    thresholds, true, false = _cuts(truth, probability)
    # Sensitivity + specificity - 1, times both numbers of cases: whole numbers, whose ties are exact.
    youden = true * n_negative - false * n_positive
    f1 = 2 * true / (true + false + n_positive)
    merit = youden if rule == "youden" else f1
    best = thresholds[merit == merit.max()]
    return float(best[np.abs(best - HALF).argmin()])


def _cuts(truth: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every cut that tells cases apart, and those that call all cases or none: `(m,)` each, rising.

    Returns:
        Thresholds, and how many positive and how many negative cases are at or above them.
    """
    values = np.unique(probability)
    low, high = np.append(0.0, values), np.append(values, 1.0)
    middle = low + (high - low) / 2
    # Between two numbers with none in between, the middle is one of them: it must not be the lower one.
    thresholds = np.where(middle > low, middle, high)
    if values[-1] == 1:
        # Nothing between 0 and 1 leaves out a probability of 1. No call at all is never better than all calls.
        thresholds = thresholds[:-1]
    positive, negative = np.sort(probability[truth]), np.sort(probability[~truth])
    true = len(positive) - np.searchsorted(positive, thresholds, "left")
    false = len(negative) - np.searchsorted(negative, thresholds, "left")
    return thresholds, true, false
