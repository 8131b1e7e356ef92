"""Probabilities for a model that has decision values alone, such as a support vector machine."""

from __future__ import annotations

from typing import Any

import numpy as np

from synthtrial.classification.inner_folds import Splits

SMALLEST_SLOPE = 1e-3
"""Of the sigmoid: below it the order of the decision values would be lost, or turned round."""


class PlattScaled:
    """A model whose answers are a sigmoid of its decision values, fitted to those of inner folds.

    Platt 1999, "Probabilistic outputs for support vector machines", with its targets short of 0 and 1. The sigmoid
    never falls: in small training sets the decision values of left-out cases can be lower for the positive class than
    for the negative one, as what is left out of a class is what its threshold then lacks, and would turn all answers
    round.

    Args:
        model: with `fit` and `decision_function`; what it learns of the cases' scale it learns in each fold anew.
        splits: inner folds of the training cases; the sigmoid is fitted to those that they leave out.
    """

    def __init__(self, model: Any, splits: Splits) -> None:
        self.model, self.splits = model, splits
        self.slope, self.offset = 1.0, 0.0

    def fit(self, values: np.ndarray, labels: np.ndarray, **weights: np.ndarray) -> PlattScaled:
        """Fit the model to all cases, and the sigmoid to the answers of models that had left the cases out.

        Args:
            values: features `(n, d)`.
            labels: `(n,)` of 0 and 1.
            weights: weights `(n,)` of the cases, by the name that the model's `fit` knows them by; or nothing.
        """
        from sklearn.base import clone

        decisions = np.full(len(labels), np.nan)
        for kept, left in self.splits:
            some = {name: weight[kept] for name, weight in weights.items()}
            inner = clone(self.model).fit(values[kept], labels[kept], **some)
            decisions[left] = inner.decision_function(values[left])
        self.model.fit(values, labels, **weights)
        answered, of_case = ~np.isnan(decisions), next(iter(weights.values()), np.ones(len(labels)))
        self.slope, self.offset = _sigmoid(decisions[answered], labels[answered], of_case[answered])
        return self

    def predict_proba(self, values: np.ndarray) -> np.ndarray:
        """Probabilities `(n, 2)` of the negative and the positive class."""
        from scipy.special import expit

        positive = expit(self.slope * self.model.decision_function(values) + self.offset)
        return np.stack([1 - positive, positive], axis=1)


def _sigmoid(decisions: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Slope and offset of the sigmoid with the least cross-entropy."""
    from scipy.optimize import minimize
    from scipy.special import expit

    positives, negatives = weights[labels == 1].sum(), weights[labels == 0].sum()
    targets = np.where(labels == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(line: np.ndarray) -> tuple[float, np.ndarray]:
        logits = line[0] * decisions + line[1]
        wrong = weights * (expit(logits) - targets)
        return float((weights * (np.logaddexp(0, logits) - targets * logits)).sum()), np.array(
            [(wrong * decisions).sum(), wrong.sum()]
        )

    start = np.array([1.0, np.log((positives + 1) / (negatives + 1))])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(SMALLEST_SLOPE, None), (None, None)])
    return float(found.x[0]), float(found.x[1])
