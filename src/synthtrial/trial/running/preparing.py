"""Making the processes of an arm ready while the stage still reads its parameters and its cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.trial.running.concurrency import processes
from synthtrial.trial.running.crew import warm_up


def prepare_processes(cohort: PreparedCohort, trainer: Mapping[str, Any], repeats: int, preload: Sequence[str]) -> None:
    """Let the processes that an arm will need be made ready while the caller goes on.

    Whether `accelerator: auto` means a GPU, where one process does, is not waited for: asking takes seconds.

    Args:
        cohort: whose folds are trained on.
        trainer: as the arm is run with.
        repeats: trainings per fold.
        preload: modules that the processes will need.
    """
    guessed = {**trainer, "accelerator": "cpu"} if trainer["accelerator"] == "auto" else trainer
    if processes(guessed, repeats * len(cohort.folds)) > 1:
        warm_up(preload)
