"""Views of `cases.csv`: which model gave which patient which score."""

from __future__ import annotations

import pandas as pd

ENSEMBLE = "ensemble"
"""Value of `fold` in `cases.csv` for the mean of the fold models' probabilities."""


def score_table(cases: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Mean score of each patient (columns) by each fold model (rows); the ensemble is left out.

    Args:
        cases: `cases.csv` of one arm and segmenter.
        metric: the column to tabulate.
    """
    models = cases[cases["fold"].astype(str) != ENSEMBLE]
    return models.pivot_table(index=models["fold"].astype(str), columns="patient_id", values=metric, aggfunc="mean")


def ensemble_scores(cases: pd.DataFrame, metric: str) -> pd.Series:
    """Mean score of each patient by the ensemble, indexed by patient."""
    return cases[cases["fold"].astype(str) == ENSEMBLE].groupby("patient_id")[metric].mean()


def patient_mean(scores: pd.DataFrame, metric: str) -> float:
    """Mean over patients; a patient with several cases counts once, with their mean.

    Args:
        scores: one row per case, with `patient_id` and the metric.
        metric: a column.
    """
    return float(scores.groupby("patient_id")[metric].mean().mean())
