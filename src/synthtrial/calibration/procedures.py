"""The procedures that are calibrated: what each of them would have said about the same trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from synthtrial.holm import holm
from synthtrial.trial.scores import ENSEMBLE
from synthtrial.trial.usual_tests import wilcoxon_over_patients
from synthtrial.trial.verdict import called

PROCEDURES = {
    "crossed": "crossed test over fold models and patients",
    "pigeonhole": "pigeonhole bootstrap over fold models and patients",
    "wilcoxon": "Wilcoxon over patients, on the ensembles of the folds",
    "wilcoxon_single": "Wilcoxon over patients, on one model per arm",
}
"""Name to what it is. The verdict of every study is that of the first."""


def rows_of_trial(cases: pd.DataFrame, found: Mapping[str, Any]) -> pd.DataFrame:
    """What every procedure says about every arm of one trial.

    Args:
        cases: all rows of the trial's `cases.csv`, of one segmenter.
        found: the content of its `verdict.json`.

    Returns:
        One row per procedure and arm: `procedure, arm, difference, ci_low, ci_high, standard_error, df, p, p_adjusted,
        alone, verdict`. `alone` is what the procedure says of this arm if it were the only one; `verdict` what it says
        with Holm's correction over the arms of the trial. What a procedure does not have is NaN.
    """
    (block,) = found["models"].values()
    entries = {arm: entry for arm, entry in block["arms"].items() if arm != found["reference"]}
    rows = []
    for procedure in PROCEDURES:
        results = [_result(procedure, arm, entry, cases, found) for arm, entry in entries.items()]
        adjusted = holm([result["p"] for result in results])
        for arm, result, p_adjusted in zip(entries, results, adjusted, strict=True):
            words = {"alone": result["p"], "verdict": p_adjusted}
            calls = {name: called(result["difference"], p, found["alpha"]) for name, p in words.items()}
            rows.append({"procedure": procedure, "arm": arm, **result, "p_adjusted": p_adjusted, **calls})
    return pd.DataFrame(rows)


def _result(
    procedure: str, arm: str, entry: Mapping[str, Any], cases: pd.DataFrame, found: Mapping[str, Any]
) -> dict[str, Any]:
    """One procedure's result on one arm."""
    if procedure == "crossed":
        return {key: entry[key] for key in ("difference", "ci_low", "ci_high", "standard_error", "df", "p")}
    if procedure == "pigeonhole":
        bootstrap = {key: entry["bootstrap"][key] for key in ("ci_low", "ci_high", "p")}
        return {"difference": entry["difference"], **bootstrap}
    model = ENSEMBLE if procedure == "wilcoxon" else "0"
    differences = patient_differences(cases, arm, found["reference"], found["metric"], model)
    return {"difference": float(differences.mean()), "p": wilcoxon_over_patients(differences)}


def patient_differences(cases: pd.DataFrame, arm: str, reference: str, metric: str, model: str) -> np.ndarray:
    """Arm minus reference by one model of each `(patients,)`: that of one fold's first training, or the ensemble."""
    rows = cases[cases["fold"].astype(str) == model]
    if "repeat" in rows:
        rows = rows[rows["repeat"] == 0]
    scores = rows.pivot_table(index="patient_id", columns="arm", values=metric, aggfunc="mean")
    return (scores[arm] - scores[reference]).to_numpy()
