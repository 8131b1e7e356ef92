"""The judged cases of one model as arrays: what every metric is computed from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from synthtrial.errors import ConfigError


class Judged(NamedTuple):
    """Cases that one model has judged, seen from one class, which is called the positive one.

    Attributes:
        truth: whether a case is of the positive class, bool `(n,)`.
        predicted: whether the model says so, bool `(n,)`.
        probability: of the positive class, in [0, 1], `(n,)`.
        negative: name of the other class; empty when no case is of it, nor was predicted to be.
        positive: name of the positive class.
        place: of which model the cases are, for messages.
    """

    truth: np.ndarray
    predicted: np.ndarray
    probability: np.ndarray
    negative: str
    positive: str
    place: str

    def seen_from(self, class_name: str) -> Judged:
        """The same cases with another class as the positive one.

        Raises:
            ConfigError: when it is neither of the two classes.
        """
        if class_name == self.positive:
            return self
        if self.negative not in ("", class_name):
            raise ConfigError(
                f"{self.place}: there is no class {class_name!r}; the classes are {self.negative} and {self.positive}"
            )
        return Judged(~self.truth, ~self.predicted, 1 - self.probability, self.positive, class_name, self.place)


def read_judged(cases: pd.DataFrame) -> Judged:
    """The arrays of the rows of one model in `cases.csv`.

    Args:
        cases: rows with `label, positive, probability, predicted`, as in `cases.csv`; one per case.

    Raises:
        ConfigError: when a case has no label or no probability in [0, 1], or there are no cases or not two classes.
        ValueError: when a case comes twice, as in rows of several models, whose scores can't be pooled.
    """
    place = _place(cases)
    if "case_id" in cases and not cases["case_id"].is_unique:
        raise ValueError(f"{place}: a case comes twice; these are the rows of several models, score them one by one")
    if cases.empty or cases[["label", "predicted", "positive"]].isna().to_numpy().any():
        what = "no case was judged" if cases.empty else "a judged case has no label or no prediction"
        raise ConfigError(f"{place}: {what}; classify the arm again")
    label, predicted, positive = (cases[column].astype(str).to_numpy(str) for column in _CLASS_COLUMNS)
    probability = cases["probability"].to_numpy(float)
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ConfigError(f"{place}: a probability is not between 0 and 1; classify the arm again")
    others = sorted({*label, *predicted, *positive} - {positive[0]})
    if len(others) > 1:
        raise ConfigError(
            f"{place}: cases of the classes {', '.join([*others, positive[0]])}, where two were expected; "
            "classify the arm again"
        )
    return Judged(
        truth=label == positive,
        predicted=predicted == positive,
        probability=probability,
        negative="".join(others),
        positive=str(positive[0]),
        place=place,
    )


_CLASS_COLUMNS = ("label", "predicted", "positive")


def _place(cases: pd.DataFrame) -> str:
    """Which model's cases these are, from its first row."""
    known = [column for column in ("arm", "classifier", "model", "fold", "repeat") if column in cases and len(cases)]
    return ", ".join(f"{column} {cases[column].iloc[0]}" for column in known) or "cases.csv"
