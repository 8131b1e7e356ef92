"""Running one arm: a model per fold and repeat, each judged on every case that it may judge, and their ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from rich.progress import Progress

from synthtrial.atomic import atomic_folder
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import ConfigError
from synthtrial.segmentation.metrics import TOLERANCE_MM
from synthtrial.tracking import StageRun
from synthtrial.trial.arm import Arm
from synthtrial.trial.arms import read_arm
from synthtrial.trial.protocol import Protocol
from synthtrial.trial.running.arm_plan import ArmPlan, Place
from synthtrial.trial.running.checking import check_plan
from synthtrial.trial.running.concurrency import processes, threads_per_model
from synthtrial.trial.running.crew import Crew, Tell, warm_up
from synthtrial.trial.running.watching import Watch
from synthtrial.trial.segmenting.fold_model import ModelRecord, Networks, steps_of, train_model
from synthtrial.trial.segmenting.fold_tables import case_table, curve_table, fold_table
from synthtrial.trial.segmenting.judging import Judged, Row, judge_case

PRELOAD = ("synthtrial.trial.segmenting.preloaded",)
"""What the fork server of an arm's processes imports."""


def segment_arm(
    arm_csv: Path,
    cohort: PreparedCohort,
    *,
    arm: Arm,
    segmenter: str,
    settings: Mapping[str, Any],
    trainer: Mapping[str, Any],
    seed: int,
    folder: Path,
    checkpoints: Path,
    protocol: Protocol,
    repeats: int = 1,
    tolerance_mm: float = TOLERANCE_MM,
    run: StageRun | None = None,
) -> None:
    """Train one segmenter on one arm, model by model, and judge it on the cases that the protocol says.

    The models of a fold and repeat start from the same weights in every arm, which pairs them further. Cases are judged
    on the original grid, by every model and by the mean of the models' probabilities; so are the validation cases of
    each fold. Models are trained side by side in `fold_workers` processes, whose number changes no result. Finished
    models are kept in `checkpoints`: the same call goes on from there.

    Args:
        arm_csv: the arm's training cases, `arms/<arm>.csv` of a study.
        cohort: the real cases.
        arm: the arm.
        segmenter: name of the segmenter.
        settings: `network` and `train` of a `conf/segmenter` file.
        trainer: `accelerator`, `devices`, `precision`, and optionally `threads`, `loader_workers` and `fold_workers`.
        seed: seed of the trainings; each model has its own, drawn from it.
        folder: the folder to write (`folds.csv`, `cases.csv`, `curves.csv`, `predictions/`), replaced as a whole.
        checkpoints: folder of finished models, which may hold those of other settings too.
        protocol: which cases the models of a fold are judged on, and what the guard allows.
        repeats: trainings per fold, each with other seeds.
        tolerance_mm: how far surfaces may be apart and still agree in the NSD, mm.
        run: keeps curves, the time of training and the memory of the processes.

    Raises:
        LeakError: when a judged case, or its patient, is among the training cases.
        CohortError: when there is nothing to judge on, or a training case's files are missing or not the arm's.
        ConfigError, TrainingError: as `fit` does.
    """
    if not cohort.labels:
        raise ConfigError(f"the cohort {cohort.facts['name']} has no mask labels, so there is nothing to segment")
    models = repeats * len(cohort.folds)
    plan = ArmPlan(
        arm=arm,
        rows=read_arm(arm_csv),
        cohort=cohort,
        study=arm_csv.parent.parent,
        protocol=protocol,
        repeats=repeats,
        settings=settings,
        trainer=dict(trainer) | {"threads": threads_per_model(trainer, models)},
        seed=seed,
        checkpoints=checkpoints,
    )
    check_plan(plan)
    run = run or StageRun()
    with Crew(processes(trainer, models), ArmWork(plan, tolerance_mm), PRELOAD) as crew:
        records = _train(crew, plan, segmenter, run)
        _judge_and_write(crew, plan, records, folder, {"arm": arm.name, "segmenter": segmenter})
    run.count_memory(crew.peak_rss_mb)


def prepare_processes(cohort: PreparedCohort, trainer: Mapping[str, Any], repeats: int) -> None:
    """Let the processes that `segment_arm` will need be made ready while the caller goes on.

    Whether `accelerator: auto` means a GPU, where one process does, is not waited for: asking takes seconds.
    """
    guessed = {**trainer, "accelerator": "cpu"} if trainer["accelerator"] == "auto" else trainer
    if processes(guessed, repeats * len(cohort.folds)) > 1:
        warm_up(PRELOAD)


class ArmWork:
    """What a process does for an arm: train the model of a place, or judge a case.

    Args:
        plan: of the arm.
        tolerance_mm: of the NSD, mm.
    """

    def __init__(self, plan: ArmPlan, tolerance_mm: float) -> None:
        self.plan, self.tolerance_mm = plan, tolerance_mm
        self.networks = Networks(plan)

    def __call__(self, task: Place | Judged, tell: Tell) -> Any:
        """Do one task."""
        import torch

        if self.plan.trainer["threads"]:
            torch.set_num_threads(self.plan.trainer["threads"])
        if isinstance(task, Place):
            return train_model(self.plan, task, tell)
        return judge_case(self.networks, task, self.tolerance_mm)


def _train(crew: Crew, plan: ArmPlan, segmenter: str, run: StageRun) -> list[ModelRecord]:
    """Train all models; return what is to be said of them in the order of fold and repeat."""
    with Progress(refresh_per_second=2) as progress:
        watch = Watch(progress, run, f"{segmenter} on {plan.arm.name}", partial(steps_of, plan))
        records = crew.map(plan.places, watch)
    return sorted(records, key=lambda record: record.place)


def _judge(crew: Crew, cases: list[Judged]) -> list[list[Row]]:
    """Score all cases; return the rows of each."""
    with Progress(refresh_per_second=2) as progress:
        bar = progress.add_task("judging the cases", total=len(cases))
        return crew.map(cases, lambda case, words: progress.advance(bar))


def _judge_and_write(
    crew: Crew, plan: ArmPlan, records: list[ModelRecord], folder: Path, named: dict[str, str]
) -> None:
    """Write the folder of results; `named` are the columns that open its tables."""
    with atomic_folder(folder) as partial:
        predictions = partial / "predictions"
        predictions.mkdir()
        judged = _judge(crew, [Judged(case_id, predictions) for case_id in plan.judged])
        cases = case_table(judged, named)
        cases.to_csv(partial / "cases.csv", index=False)
        fold_table(plan, records, cases, named).to_csv(partial / "folds.csv", index=False)
        curve_table(records).to_csv(partial / "curves.csv", index=False)
