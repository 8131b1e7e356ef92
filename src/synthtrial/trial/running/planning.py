"""From a study's settings to the plan of one arm."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.params import plain
from synthtrial.study_folder import StudyFolder
from synthtrial.tasks import CLASSIFY, SEGMENT
from synthtrial.trial.arm import Arm, read_arms
from synthtrial.trial.arms import read_arm
from synthtrial.trial.protocol import Protocol, protocol_of
from synthtrial.trial.running.arm_plan import ArmPlan
from synthtrial.trial.running.checking import check_plan
from synthtrial.trial.running.concurrency import threads_per_model


def plan_of(
    params: DictConfig, place: Mapping[str, str], cohort: PreparedCohort, trainer: Mapping[str, Any]
) -> ArmPlan:
    """Plan the models of the arm and the segmenter or classifier that a place in the matrix names.

    Args:
        params: of the study, whole or as its stage sees them.
        place: `arm`, and `segmenter` or `classifier`.
        cohort: the real cases.
        trainer: as `plan_arm` takes it.

    Raises:
        LeakError, CohortError, ConfigError: as `plan_arm` does.
    """
    study, task = StudyFolder(params.study.name), SEGMENT if SEGMENT.model in place else CLASSIFY
    (arm,) = read_arms({place["arm"]: plain(params.arms[place["arm"]])})
    return plan_arm(
        study.arms / f"{arm.name}.csv",
        cohort,
        arm=arm,
        settings=plain(params[task.group][place[task.model]]),
        trainer=trainer,
        seed=params.study.seed,
        checkpoints=study.checkpoints(task.stage, *(place[word] for word in ("arm", task.model))),
        protocol=protocol_of(params.protocol.name),
        repeats=params.protocol.repeats,
    )


def plan_arm(
    arm_csv: Path,
    cohort: PreparedCohort,
    *,
    arm: Arm,
    settings: Mapping[str, Any],
    trainer: Mapping[str, Any],
    seed: int,
    checkpoints: Path,
    protocol: Protocol,
    repeats: int = 1,
) -> ArmPlan:
    """Plan the models of one arm, once it is known that they may be trained and judged.

    Args:
        arm_csv: the arm's training cases, `arms/<arm>.csv` of a study.
        cohort: the real cases.
        arm: the arm.
        settings: content of a `conf/segmenter` or `conf/classifier` file.
        trainer: `accelerator`, `devices`, `precision`, and optionally `threads`, `loader_workers` and `fold_workers`.
        seed: seed of the trainings; each model has its own, drawn from it.
        checkpoints: folder of finished models, which may hold those of other settings too.
        protocol: which cases the models of a fold are judged on, and what the guard allows.
        repeats: trainings per fold, each with other seeds.

    Raises:
        LeakError: when a judged case, or its patient, is among the training cases.
        CohortError: when there is nothing to judge on, or the arm was assembled for other cases or another protocol.
        ConfigError: when the arm is missing, or a fold of it is empty.
    """
    plan = ArmPlan(
        arm=arm,
        rows=read_arm(arm_csv),
        cohort=cohort,
        study=arm_csv.parent.parent,
        protocol=protocol,
        repeats=repeats,
        settings=settings,
        trainer={**trainer, "threads": threads_per_model(trainer, repeats * len(cohort.folds))},
        seed=seed,
        checkpoints=checkpoints,
    )
    check_plan(plan)
    return plan
