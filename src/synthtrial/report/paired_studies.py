"""What changes from one study to another on the same patients and folds, with an interval: what leakage makes, say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from synthtrial.report.reading import read_arms
from synthtrial.trial.metric_words import task_of
from synthtrial.trial.scores import scored
from synthtrial.trial.verdict import verdict

SAME = ["fold", "repeat", "case_id", "patient_id", "site"]
"""What a row of both studies must have in common to be paired."""


def paired_change(
    folders: tuple[Path, Path], verdicts: tuple[Mapping[str, Any], Mapping[str, Any]], model: str, arm: str
) -> dict[str, float]:
    """Interval of the change of an arm's difference to its reference, second study minus first.

    Both differences are taken case by case, of a classification patient by patient, and their difference is tested as
    every verdict is.

    Args:
        folders: `out/<study>/` of both.
        verdicts: their `verdict.json`.
        model, arm: that both have.

    Returns:
        `change_low` and `change_high`; nothing where the studies do not judge the same cases with the same folds.
    """
    margins = [margin(folder, found, model, arm) for folder, found in zip(folders, verdicts, strict=True)]
    if not margins[0].index.equals(margins[1].index):
        return {}
    facts, (first, second) = verdicts[0], (rows.reset_index() for rows in margins)
    rows = pd.concat([first.assign(arm="first"), second.assign(arm="second")], ignore_index=True)
    settings = {key: facts[key] for key in ("metric", "alpha", "protocol")}
    block = verdict(rows.assign(model=model), reference="first", **settings)["models"][model]
    return {f"change_{end}": block["arms"]["second"][f"ci_{end}"] for end in ("low", "high")}


def margin(folder: Path, found: Mapping[str, Any], model: str, arm: str) -> pd.Series:
    """An arm minus its reference, indexed and sorted by `SAME`: for every row of `cases.csv`, or of a classification
    for every model and patient, in pseudo-values."""
    metric = found["metric"]
    rows = read_arms(folder, [(name, model) for name in (arm, found["reference"])], "cases.csv", task_of(metric))
    scores = scored(rows, metric).set_index(["arm", *SAME])[metric].sort_index()
    return (scores.loc[arm] - scores.loc[found["reference"]]).rename(metric)
