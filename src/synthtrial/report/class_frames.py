"""Data frames of a two-class study: scores of every arm with their intervals, thresholds, and what was called what."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from synthtrial.errors import ConfigError
from synthtrial.report.results import Results

UNBOUNDED = ("log_loss",)
"""Metrics that have no upper bound; all others are shares, at most 1."""


class Interval(NamedTuple):
    """A score with its interval over patients."""

    value: float
    low: float
    high: float


def score_interval(cases: pd.DataFrame, metric: str, alpha: float) -> Interval:
    """The score of one model, and its t-interval from the standard error of its pseudo-values over patients.

    It says how much other patients would change the score of this very model, not what another training would.

    Args:
        cases: its rows of `cases.csv`.
        metric: of a classification.
        alpha: one minus the coverage.

    Returns:
        The score with its interval, cut at the metric's bounds; without ends where a class has a single patient.
    """
    from scipy.stats import t

    from synthtrial.classification.metrics import pseudovalues, score

    value = score(cases, metric)
    try:
        values = pseudovalues(cases, metric).to_numpy()
    except ConfigError:
        return Interval(value, np.nan, np.nan)
    reach = float(t.ppf(1 - alpha / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    most = np.inf if metric in UNBOUNDED else 1.0
    return Interval(value, max(0.0, value - reach), min(most, value + reach))


def ensemble_frame(results: Results, model: str) -> pd.DataFrame:
    """One row per arm, then one per baseline: every metric of the ensemble with its interval.

    Columns: `arm`, for a baseline its name; `baseline`; each metric, `<metric>_low`, `<metric>_high`; `cases`,
    `patients`.
    """
    rows = []
    for name, cases in ensembles(results, model).items():
        row: dict[str, object] = {"arm": name, "baseline": name not in results.arms}
        for metric in metrics_of(results):
            found = score_interval(cases, metric, results.alpha)
            row |= {metric: found.value, f"{metric}_low": found.low, f"{metric}_high": found.high}
        rows.append(row | {"cases": len(cases), "patients": cases["patient_id"].nunique()})
    return pd.DataFrame(rows)


def ensembles(results: Results, model: str) -> dict[str, pd.DataFrame]:
    """Rows of the ensemble on the judged cases, by arm; and of each baseline, which has the reference alone."""
    return {name: results.ensemble(*place) for name, place in places(results, model).items()}


def metrics_of(results: Results) -> list[str]:
    """Every metric of the study's two classes."""
    from synthtrial.classification.metrics import metric_names

    return metric_names(results.classes)


def fold_model_frame(results: Results, model: str) -> pd.DataFrame:
    """Mean of the single models on the judged cases: one row per arm and baseline, each metric and `<metric>_sd`."""
    rows = []
    for name, place in places(results, model).items():
        trained, arm = place
        folds = results.fold_scores.query("model == @trained and arm == @arm")
        row: dict[str, object] = {"arm": name, "models": len(folds)}
        for metric in metrics_of(results):
            values = folds[f"test_{metric}"]
            row |= {metric: values.mean(), f"{metric}_sd": values.std(ddof=1)}
        rows.append(row)
    return pd.DataFrame(rows)


def places(results: Results, model: str) -> dict[str, tuple[str, str]]:
    """Name of each row of a table to the model and arm that it is of: the arms, then the baselines."""
    others = [name for name in results.baselines if name != model]
    return {arm: (model, arm) for arm in results.arms_of(model)} | {name: (name, results.reference) for name in others}


def call_frame(results: Results, model: str) -> pd.DataFrame:
    """How many cases of each class the ensemble called what: one row per arm and baseline.

    Columns: `arm`, and `<class>_as_<class called>`, counts.
    """
    from synthtrial.classification.metrics import confusion

    rows = []
    for name, cases in ensembles(results, model).items():
        counts = confusion(cases).reindex(index=results.classes, columns=results.classes, fill_value=0)
        rows.append({"arm": name} | {f"{true}_as_{said}": counts.at[true, said] for true in counts for said in counts})
    return pd.DataFrame(rows)


def threshold_frame(results: Results, model: str) -> pd.DataFrame:
    """One row per arm and baseline: `arm, threshold` (the ensemble's), `lowest, highest` (of the fold models')."""
    rows = []
    for name, place in places(results, model).items():
        used, folds = results.ensemble(*place)["threshold"], results.fold_models(*place)["threshold"]
        rows.append({"arm": name, "threshold": used.iloc[0], "lowest": folds.min(), "highest": folds.max()})
    return pd.DataFrame(rows)
