"""Views of `cases.csv`: which model gave which patient which score."""

from __future__ import annotations

import pandas as pd

ENSEMBLE = "ensemble"
"""Value of `fold` in `cases.csv` for the mean of the fold models' probabilities."""


def fold_scores(cases: pd.DataFrame, metric: str) -> dict[str, pd.DataFrame]:
    """Mean score of each patient by each model of a fold; the ensemble is left out.

    Args:
        cases: `cases.csv` of one arm and segmenter; without `repeat`, every fold has one training.
        metric: the column to tabulate.

    Returns:
        For each fold a table: a row per repeat, a column per patient that the fold's models judge.
    """
    models = cases[cases["fold"].astype(str) != ENSEMBLE]
    repeats = models["repeat"].astype(int) if "repeat" in models else pd.Series(0, models.index)
    scores = models[metric].groupby([models["fold"].astype(str), repeats.rename("repeat"), models["patient_id"]]).mean()
    return {str(fold): rows.droplevel(0).unstack("patient_id") for fold, rows in scores.groupby(level=0)}


def score_table(cases: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Mean score of each patient (columns) by each fold (rows), whose repeats are averaged; the ensemble is left out.

    Args:
        cases: `cases.csv` of one arm and segmenter.
        metric: the column to tabulate.
    """
    return pd.DataFrame({fold: table.mean() for fold, table in fold_scores(cases, metric).items()}).T


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
