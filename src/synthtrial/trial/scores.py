"""Views of `cases.csv`: which model gave which patient which score.

A segmented case has scores of its own, and a patient's score is their mean. A classified case has a probability alone,
and a score such as the AUROC belongs to all cases together. So each patient gets a pseudo-value of it: what leaving
this patient out takes from the score (Dorfman, Berbaum, Metz 1992, Invest Radiol 27:723). Pseudo-values average to the
score itself, and everything that compares patients takes them as it takes a patient's Dice.
"""

from __future__ import annotations

import pandas as pd

from synthtrial.tasks import TASKS

ENSEMBLE = "ensemble"
"""Value of `fold` in `cases.csv` for the mean of the fold models' probabilities."""


def with_model(table: pd.DataFrame) -> pd.DataFrame:
    """A table of results whose column `segmenter` or `classifier` is called `model`."""
    return table if "model" in table else table.rename(columns={task.model: "model" for task in TASKS.values()})


def is_classified(cases: pd.DataFrame) -> bool:
    """Whether the rows of a `cases.csv` are of a classifier."""
    return "probability" in cases


def has_metric(cases: pd.DataFrame, metric: str) -> bool:
    """Whether rows of `cases.csv` can be scored by a metric."""
    if metric in cases or not is_classified(cases):
        return metric in cases
    from synthtrial.classification.metrics import is_metric

    return is_metric(metric)


def scored(cases: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Rows with a column for the metric: of segmented cases the same rows, of classified ones a row per patient.

    Args:
        cases: rows of `cases.csv`, of any number of arms and models.
        metric: of the task.

    Returns:
        Of a classification: `arm, model, fold, repeat` (as far as there), `case_id` and `patient_id` (both the
        patient's), `site`, and the pseudo-value of each patient under the metric's name.
    """
    if metric in cases:
        return cases
    from synthtrial.classification.metrics import pseudovalues

    keys = [name for name in ("arm", "model", "fold", "repeat") if name in cases]
    sites = sites_of_patients(cases)
    tables = []
    for place, rows in cases.groupby(keys, sort=False):
        values = pseudovalues(rows, metric)
        patients = values.index.astype(str)
        table = {"case_id": patients, "patient_id": patients, "site": sites.reindex(values.index).to_numpy()}
        tables.append(pd.DataFrame(table | {metric: values.to_numpy()}).assign(**dict(zip(keys, place, strict=True))))
    return pd.concat(tables, ignore_index=True)


def fold_scores(cases: pd.DataFrame, metric: str) -> dict[str, pd.DataFrame]:
    """Mean score of each patient by each model of a fold; the ensemble is left out.

    Args:
        cases: `cases.csv` of one arm and segmenter or classifier; without `repeat`, every fold has one training.
        metric: to tabulate; of a classification in pseudo-values.

    Returns:
        For each fold a table: a row per repeat, a column per patient that the fold's models judge.
    """
    models = scored(cases[cases["fold"].astype(str) != ENSEMBLE], metric)
    repeats = models["repeat"].astype(int) if "repeat" in models else pd.Series(0, models.index)
    scores = models[metric].groupby([models["fold"].astype(str), repeats.rename("repeat"), models["patient_id"]]).mean()
    return {str(fold): rows.droplevel(0).unstack("patient_id") for fold, rows in scores.groupby(level=0)}


def score_table(cases: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Mean score of each patient (columns) by each fold (rows), whose repeats are averaged; the ensemble is left out.

    Args:
        cases: `cases.csv` of one arm and segmenter or classifier.
        metric: to tabulate.
    """
    return pd.DataFrame({fold: table.mean() for fold, table in fold_scores(cases, metric).items()}).T


def ensemble_scores(cases: pd.DataFrame, metric: str) -> pd.Series:
    """Mean score of each patient by the ensemble, indexed by patient; of a classification its pseudo-value."""
    ensemble = scored(cases[cases["fold"].astype(str) == ENSEMBLE], metric)
    return ensemble.groupby("patient_id")[metric].mean()


def patient_mean(scores: pd.DataFrame, metric: str) -> float:
    """Mean over patients; a patient with several cases counts once, with their mean.

    Args:
        scores: one row per case, with `patient_id` and the metric.
        metric: a column.
    """
    return float(scores.groupby("patient_id")[metric].mean().mean())


def sites_of_patients(cases: pd.DataFrame) -> pd.Series:
    """Site of each patient; empty where it is not known."""
    sites = cases["site"].fillna("").astype(str) if "site" in cases else pd.Series("", cases.index)
    return sites.groupby(cases["patient_id"]).first()
