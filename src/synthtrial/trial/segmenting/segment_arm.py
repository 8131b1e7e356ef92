"""Running one arm: a model per fold and repeat, each judged on every case that it may judge, and their ensemble."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from rich.progress import Progress

from synthtrial.atomic import atomic_folder
from synthtrial.errors import ConfigError
from synthtrial.processes import leads
from synthtrial.segmentation.metrics import TOLERANCE_MM
from synthtrial.tracking import StageRun
from synthtrial.trial.running.arm_plan import ArmPlan, Place
from synthtrial.trial.running.concurrency import processes
from synthtrial.trial.running.crew import Crew, Tell
from synthtrial.trial.running.watching import train_all
from synthtrial.trial.segmenting.fold_model import ModelRecord, Networks, steps_of, train_model
from synthtrial.trial.segmenting.fold_tables import case_table, curve_table, fold_table
from synthtrial.trial.segmenting.judging import Judged, Row, judge_case

PRELOAD = ("synthtrial.trial.segmenting.preloaded",)
"""What the fork server of an arm's processes imports."""


def segment_arm(
    plan: ArmPlan,
    *,
    segmenter: str,
    folder: Path,
    tolerance_mm: float = TOLERANCE_MM,
    run: StageRun | None = None,
) -> None:
    """Train one segmenter on one arm, model by model, and judge it on the cases that the protocol says.

    The models of a fold and repeat start from the same weights in every arm, which pairs them further. Cases are judged
    on the original grid, by every model and by the mean of the models' probabilities; so are the validation cases of
    each fold. Models are trained side by side in `fold_workers` processes, whose number changes no result. Finished
    models are kept in the plan's `checkpoints`: the same call goes on from there. Further processes of a training in
    several train, and return before anything is judged.

    Args:
        plan: of the arm.
        segmenter: name of the segmenter.
        folder: the folder to write (`folds.csv`, `cases.csv`, `curves.csv`, `predictions/`), replaced as a whole.
        tolerance_mm: how far surfaces may be apart and still agree in the NSD, mm.
        run: keeps curves, the time of training and the memory of the processes.

    Raises:
        CohortError: when a training case's files are missing or not the arm's.
        ConfigError, TrainingError: as `fit` does; and when the cohort has no masks.
    """
    check_masks(plan)
    run = run or StageRun()
    with Crew(processes(plan.trainer, len(plan.places)), ArmWork(plan, tolerance_mm), PRELOAD) as crew:
        records = train_all(crew, plan, segmenter, partial(steps_of, plan), run)
        if not leads():
            return
        _judge_and_write(crew, plan, records, folder, {"arm": plan.arm.name, "segmenter": segmenter})
    run.count_memory(crew.peak_rss_mb)


def segment_one(plan: ArmPlan, place: Place, *, segmenter: str, run: StageRun) -> None:
    """Train one model of an arm into its checkpoint, where `segment_arm` will find it, and judge nothing.

    Args:
        plan: of the arm.
        place: of the model.
        segmenter: name of the segmenter.
        run: keeps the curve and the time of training.

    Raises:
        CohortError, ConfigError, TrainingError: as `segment_arm` does.
    """
    check_masks(plan)
    with Crew(1, ArmWork(plan, judge=False)) as crew:
        train_all(crew, plan, segmenter, partial(steps_of, plan), run, only=place)


def check_masks(plan: ArmPlan) -> None:
    """Raise a ConfigError when the cohort has no masks to learn."""
    if not plan.cohort.labels:
        raise ConfigError(f"the cohort {plan.cohort.facts['name']} has no mask labels, so there is nothing to segment")


class ArmWork:
    """What a process does for an arm: train the model of a place, or judge a case.

    Args:
        plan: of the arm.
        tolerance_mm: of the NSD, mm.
        judge: whether models are judged on the cases that they left out as soon as they are trained.
    """

    def __init__(self, plan: ArmPlan, tolerance_mm: float = TOLERANCE_MM, judge: bool = True) -> None:
        self.plan, self.tolerance_mm, self.judge = plan, tolerance_mm, judge
        self.networks = Networks(plan)

    def __call__(self, task: Place | Judged, tell: Tell) -> Any:
        """Do one task."""
        import torch

        if self.plan.trainer["threads"]:
            torch.set_num_threads(self.plan.trainer["threads"])
        if isinstance(task, Place):
            return train_model(self.plan, task, tell, self.judge)
        return judge_case(self.networks, task, self.tolerance_mm)


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
