"""Inner folds of a training set, which keep the cases of a patient together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthtrial.errors import ConfigError

Splits = list[tuple[np.ndarray, np.ndarray]]
"""Positions of the cases to learn from and of those left out, by fold."""


def inner_folds(
    labels: np.ndarray,
    groups: Sequence[str],
    folds: int,
    seed: int,
    classes: Sequence[str],
    real: np.ndarray | None = None,
) -> Splits:
    """Split cases into folds of which each has both classes, on either side.

    What is chosen by the cases left out is chosen by the real ones among them, as the test will be of real cases. Where
    a fold leaves out no real case of a class, all that it leaves out count.

    Args:
        labels: `(n,)` of 0 and 1.
        groups: patient of each case.
        folds: wanted; fewer where the patients of a class don't suffice.
        seed: seed of the split.
        classes: names of the classes.
        real: which cases are real; None: all.

    Raises:
        ConfigError: when not even two such folds can be made.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    patients = [len({group for group, label in zip(groups, labels, strict=True) if label == k}) for k in (0, 1)]
    for number in range(min(folds, *patients), 1, -1):
        splitter = StratifiedGroupKFold(number, shuffle=True, random_state=seed % 2**32)
        splits = list(splitter.split(np.zeros(len(labels)), labels, groups))
        if all(len(np.unique(labels[side])) == 2 for split in splits for side in split):
            return splits if real is None else [(kept, _real_of(left, labels, real)) for kept, left in splits]
    counts = ", ".join(f"{count} of {name}" for count, name in zip(patients, classes, strict=True))
    raise ConfigError(
        "this classifier needs inner folds of its training set, by patient and with both classes in each, and there "
        f"are too few patients ({counts}): add cases, or take a classifier without `tune` that is no SVM"
    )


def _real_of(left: np.ndarray, labels: np.ndarray, real: np.ndarray) -> np.ndarray:
    """The real cases of those left out, where both classes have some; else all."""
    chosen = left[real[left]]
    return chosen if len(np.unique(labels[chosen])) == 2 else left
