"""The whole of the stage `calibrate`, but for its page."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from synthtrial.atomic import atomic_file, write_json
from synthtrial.calibration.datasheet import datasheet
from synthtrial.calibration.settings import read_calibration
from synthtrial.calibration.trials import kept_trials, processes, run_trials, trial_table
from synthtrial.code_hash import code_hash
from synthtrial.tracking import git_revision, versions


def calibrate(
    params: Mapping[str, Any],
    *,
    checkpoints: Path,
    trials: Path,
    sheet: Path,
    command: str,
    say: Callable[[str], None],
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Run the trials that are not done yet, and write their rows and the data sheet.

    Args:
        params: the study's parameters as plain dicts and lists.
        checkpoints: folder of finished trials.
        trials: the CSV to write.
        sheet: the JSON to write.
        command: that made the study, for the data sheet.
        say: takes a line of text about each trial.

    Returns:
        The rows of `trials.csv` and the content of `datasheet.json`.
    """
    settings = read_calibration(params["calibration"], params)
    kept, started = kept_trials(params, checkpoints), time.perf_counter()
    results = run_trials(params, checkpoints, on_trial=lambda result: say(in_one_line(result, settings.trials)))
    table = trial_table(results)
    provenance = {
        "wall_s": round(time.perf_counter() - started, 1),
        "kept_trials": kept,
        "machine": {"system": platform.platform(), "processes": processes(params)},
        "git_revision": git_revision(),
        "code": code_hash(),
        "versions": versions(),
        "command": command,
    }
    content = datasheet(
        results,
        table,
        settings,
        alpha=params["protocol"]["alpha"],
        design={**results[0]["design"], **design(params)},
        provenance=provenance,
    )
    with atomic_file(trials) as partial:
        table.to_csv(partial, index=False)
    write_json(sheet, content)
    return table, content


def design(params: Mapping[str, Any]) -> dict[str, Any]:
    """What every trial of a calibration is, in a few facts."""
    ((segmenter, settings),) = params["segmenters"].items()
    return {
        "cohort": params["cohort"]["name"],
        "shape": list(params["prepare"]["shape"]),
        "protocol": params["protocol"]["name"],
        "repeats": params["protocol"]["repeats"],
        "metric": params["protocol"]["metric"],
        "segmenter": segmenter,
        "steps": settings["train"]["steps"],
        "batch_size": settings["train"]["batch_size"],
        "arms": {name: dict(arm) for name, arm in params["arms"].items()},
    }


def in_one_line(result: Mapping[str, Any], trials: int) -> str:
    """One trial's verdicts, for the screen."""
    verdicts = [f"{row['arm']} {row['verdict']}" for row in result["rows"] if row["procedure"] == "crossed"]
    return f"trial {result['trial'] + 1} of {trials}, {result['seconds']:.0f} s: {', '.join(verdicts)}"
