"""The instrument's own data sheet: how often the verdict of this trial is wrong, and what it can see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from synthtrial.calibration.power import power_curve, smallest_found
from synthtrial.calibration.procedures import PROCEDURES
from synthtrial.calibration.settings import CalibrationSettings
from synthtrial.calibration.shares import share
from synthtrial.trial.verdict import NO_EVIDENCE

SHIPPED = Path(str(files("synthtrial.calibration"))) / "datasheet.json"
"""The data sheet that comes with the package."""


def read_datasheet(path: Path = SHIPPED) -> dict[str, Any] | None:
    """The content of a `datasheet.json`, by default that of this package; None where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def datasheet(
    results: list[dict[str, Any]],
    table: pd.DataFrame,
    settings: CalibrationSettings,
    *,
    alpha: float,
    design: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Sum up the trials.

    Args:
        results: of the trials.
        table: their rows, `trial_table`.
        settings: of the calibration.
        alpha: the stated error rate.
        design: facts of each trial, by name.
        provenance: how and where it was made, by name.

    Returns:
        `trials, alpha, power, copier, reference_mean, design`; `arms` (what is known of each, and its mean effect);
        `procedures`: for each `arms`, with the share of trials in which the verdict was wrong (or for an arm that is
        better: in which it was found to be), `alone` and with Holm (`verdict`), and `any_wrong`: the share of trials
        in which any verdict was wrong; `smallest_found`; `audit`; and the provenance.
    """
    null_arms = settings.arms_that_are("same", "not better")
    procedures = {}
    for procedure in PROCEDURES:
        rows = table[table["procedure"] == procedure]
        procedures[procedure] = {
            "arms": {arm: _arm_shares(rows[rows["arm"] == arm], word) for arm, word in settings.truth.items()},
            "any_wrong": share(_any_wrong(rows[rows["arm"].isin(null_arms)], settings)),
        }
    crossed = table[table["procedure"] == "crossed"]
    same = crossed[crossed["arm"].isin(settings.arms_that_are("same"))]
    audits = [result["audit"] for result in results]
    return {
        "trials": len(results),
        "alpha": alpha,
        "power": settings.power,
        "copier": settings.copier,
        "reference_mean": _mean([result["reference_mean"] for result in results]),
        "design": dict(design),
        "arms": {arm: _arm_facts(crossed[crossed["arm"] == arm], word) for arm, word in settings.truth.items()},
        "procedures": procedures,
        "smallest_found": smallest_found(power_curve(same, alpha / len(settings.truth)), settings.power),
        "audit": {
            "caught": share(audit["caught"] for audit in audits),
            "flagged": {draw: _mean([audit["flagged"][draw] for audit in audits]) for draw in audits[0]["flagged"]},
            "held_out_flagged": _mean([audit["held_out_flagged"] for audit in audits]),
            "stated_rate": max(audit["stated_rate"] for audit in audits),
        },
        "seconds_per_trial": _mean([result["seconds"] for result in results]),
        **provenance,
    }


def is_counted(verdict: str, truth: str) -> bool:
    """Whether a verdict on an arm contradicts what is known of it; of an arm that is better: whether it was found."""
    return verdict != NO_EVIDENCE if truth == "same" else verdict == "helps"


def _arm_shares(rows: pd.DataFrame, truth: str) -> dict[str, Any]:
    return {column: share(is_counted(verdict, truth) for verdict in rows[column]) for column in ("alone", "verdict")}


def _any_wrong(rows: pd.DataFrame, settings: CalibrationSettings) -> pd.Series:
    """For each trial whether the verdict on any of its arms without an effect is wrong."""
    wrong = [is_counted(row.verdict, settings.truth[row.arm]) for row in rows.itertuples()]
    return pd.Series(wrong, index=rows["trial"]).groupby(level=0).any()


def _arm_facts(rows: pd.DataFrame, truth: str) -> dict[str, Any]:
    """What is known of an arm, and its effect over the trials."""
    differences = rows["difference"]
    return {
        "truth": truth,
        "difference": float(differences.mean()),
        "sd": float(differences.std()) if len(differences) > 1 else None,
        "standard_error": float(rows["standard_error"].mean()),
    }


def _mean(values: list[float]) -> float:
    return float(sum(values) / len(values))
