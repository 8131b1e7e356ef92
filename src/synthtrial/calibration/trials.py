"""Many small trials, in processes side by side; a finished one is kept, so that a killed calibration goes on."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from synthtrial.atomic import write_json
from synthtrial.code_hash import code_hash
from synthtrial.cohorts.workers import map_bounded

DEPENDS_ON = (
    "study",
    "cohort",
    "prepare",
    "generators",
    "draws",
    "fidelity",
    "protocol",
    "arms",
    "segmenters",
    "trainer",
)
"""Parts of params.yaml that a trial's result depends on."""

ONE_THREAD = {"threads": 1, "loader_workers": 0, "fold_workers": 1, "workers": 1}
"""How a trial uses its process: trials are side by side, so that everything in a trial goes one after another."""


def run_trials(
    params: Mapping[str, Any], checkpoints: Path, *, on_trial: Callable[[dict[str, Any]], None] = lambda trial: None
) -> list[dict[str, Any]]:
    """Run the trials of a calibration, or go on where a killed one has stopped.

    Args:
        params: the study's parameters as plain dicts and lists.
        checkpoints: folder of finished trials, which may hold those of other settings and other code too.
        on_trial: called with each trial's result, in order.

    Returns:
        What `run_trial` says of each trial, in order.
    """
    alone = {**params, "runtime": {**params["runtime"], **ONE_THREAD}}
    work = partial(kept_trial, params=alone, folder=checkpoints / trials_key(params))
    numbers = range(params["calibration"]["trials"])
    results = []
    for result in map_bounded(work, numbers, processes(params)):
        on_trial(result)
        results.append(result)
    return results


def processes(params: Mapping[str, Any]) -> int:
    """How many trials run side by side: `runtime.workers`, or one per core."""
    return min(params["runtime"]["workers"] or os.cpu_count() or 1, params["calibration"]["trials"])


def kept_trials(params: Mapping[str, Any], checkpoints: Path) -> int:
    """How many of the trials are finished already."""
    folder = checkpoints / trials_key(params)
    return sum(_kept(folder, number).is_file() for number in range(params["calibration"]["trials"]))


def trials_key(params: Mapping[str, Any]) -> str:
    """Hash of all that a trial's result depends on: its settings, and the code that runs it."""
    content = {key: params[key] for key in DEPENDS_ON} | {"copier": params["calibration"]["copier"]}
    content["code"] = code_hash()
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def kept_trial(number: int, params: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The result of one trial, read where it is kept in `folder`, or else made in a temporary folder and kept."""
    path = _kept(folder, number)
    if not path.is_file():
        import torch

        from synthtrial.calibration.one_trial import run_trial

        torch.set_num_threads(1)
        with tempfile.TemporaryDirectory(prefix="synthtrial-") as place, silence():
            write_json(path, run_trial(number, params, Path(place)))
    return json.loads(path.read_text(encoding="utf-8"))


def _kept(folder: Path, number: int) -> Path:
    return folder / f"{number:04d}.json"


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keep the bars and remarks of a hundred studies off the screen; exceptions pass."""
    nowhere = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        warnings.simplefilter("ignore")
        yield


def trial_table(results: list[dict[str, Any]]) -> pd.DataFrame:
    """All rows of all trials: `trial` and the columns of `rows_of_trial`."""
    return pd.DataFrame([{"trial": result["trial"], **row} for result in results for row in result["rows"]])
