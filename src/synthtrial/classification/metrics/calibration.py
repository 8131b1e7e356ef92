"""How far probabilities may be taken at their word: Brier score, log loss, expected calibration error.

All are of the positive class's probability p and the truth y in {0, 1}; each is a function of sums over cases, so that
`jackknife.py` gets them without some cases by a subtraction.
"""

from __future__ import annotations

import numpy as np

from synthtrial.classification.metrics.judged import Judged

BINS = 10
"""Bins of equal width that probabilities are sorted into; a bin holds its lower end, the last one both ends."""

SMALLEST_PROBABILITY = float(np.finfo(float).eps)
"""What the log loss takes for the probability 0, 2.2e-16, as scikit-learn does: no case costs more than 36 nats."""


def squared_errors(judged: Judged) -> np.ndarray:
    """Per case the squared error (p - y)^2, and 1 to count it, `(n, 2)`; Brier 1950, Mon Weather Rev 78:1."""
    return _counted((judged.probability - judged.truth) ** 2)


def log_losses(judged: Judged) -> np.ndarray:
    """Per case minus the logarithm of the probability of its true class, nats, and 1 to count it, `(n, 2)`."""
    of_truth = np.where(judged.truth, judged.probability, 1 - judged.probability)
    return _counted(-np.log(np.clip(of_truth, SMALLEST_PROBABILITY, 1)))


def mean(sums: np.ndarray) -> np.ndarray:
    """Mean over cases, of sums `(..., 2)` of a value and a count."""
    return sums[..., 0] / sums[..., 1]


def excesses(judged: Judged) -> np.ndarray:
    """Per case p - y in the column of its bin, 0 in the others, and 1 to count it, `(n, BINS + 1)`."""
    terms = np.zeros((len(judged.truth), BINS + 1))
    terms[np.arange(len(terms)), bin_of(judged.probability)] = judged.probability - judged.truth
    terms[:, BINS] = 1
    return terms


def calibration_error(sums: np.ndarray) -> np.ndarray:
    """Expected calibration error, of sums `(..., BINS + 1)` of `excesses`.

    The mean over cases of how far their bin's mean probability lies from its share of positive cases, sum_b n_b / n
    |mean p - mean y|; Naeini, Cooper, Hauskrecht 2015, AAAI; Guo et al. 2017, ICML, eq. 3, here for the probability of
    one class. Few cases per bin make it large by chance: compare it between models of the same cases alone.
    """
    return np.abs(sums[..., :BINS]).sum(-1) / sums[..., BINS]


def bin_of(probability: np.ndarray) -> np.ndarray:
    """Number of the bin of each probability, from 0 to `BINS` - 1."""
    return np.minimum((probability * BINS).astype(int), BINS - 1)


def _counted(values: np.ndarray) -> np.ndarray:
    return np.stack([values, np.ones_like(values)], 1)
