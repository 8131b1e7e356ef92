"""Training one model of an arm, and taking it up again to judge cases."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from synthtrial.processes import leads
from synthtrial.trial.running.arm_plan import ArmPlan, Place
from synthtrial.trial.running.crew import Tell

if TYPE_CHECKING:
    import torch

MOST_KEPT = 2**30
"""Bytes of weights that a process keeps while it judges: those of the largest arms are read again for each case."""


def steps_of(plan: ArmPlan, place: Place) -> int:
    """Optimizer steps of one model's training."""
    from synthtrial.segmentation.settings import train_settings

    return train_settings(plan.settings["train"]).steps_for(len(plan.rows_of(place)))


@dataclass(frozen=True)
class ModelRecord:
    """What is to be said of a finished model, without its weights, which lie in its checkpoint.

    Attributes:
        place: of the model in its arm.
        curve: rows `step, loss, validation_dice`.
        steps: optimizer steps of its training.
        final_loss: training loss at the end.
        convergence: empty for a model that has learned, else why not.
        remark: why a model that has learned would have learned more with more steps; else empty.
        seconds: wall time of its training.
        trained: Unix times of the beginning and the end of its training; None where it was found finished.
        validation: its scores on the cases that it left out: `case_id, patient_id, dice, dice/<label>...`; None where
            these are the very cases that it is judged on, or it is not judged yet.
    """

    place: Place
    curve: list[dict[str, Any]]
    steps: int
    final_loss: float
    convergence: str
    remark: str
    seconds: float
    trained: tuple[float, float] | None
    validation: pd.DataFrame | None


def is_finished(plan: ArmPlan, place: Place) -> bool:
    """Whether a model lies trained in its checkpoint."""
    return plan.checkpoint(place).is_dir()


def train_model(plan: ArmPlan, place: Place, tell: Tell, judge: bool = True) -> ModelRecord:
    """Train a model, or take it from its checkpoint, and judge it on the cases that it left out.

    Args:
        plan: of the arm.
        place: of the model.
        tell: hears of the training's progress.
        judge: whether to judge it.

    Raises:
        CohortError: when a training case's files are missing or not those of the arm.
        ConfigError, TrainingError: as `fit` does.
    """
    # Here and not above: the process that only leads others needs no torch, which takes seconds to import.
    from synthtrial.segmentation.training import fit
    from synthtrial.trial.running.fold_cases import image_and_mask, real_cases, training_set
    from synthtrial.trial.segmenting.judging import judge_validation

    cohort, rows, pretrain = plan.cohort, plan.rows_of(place), plan.arm.pretrain
    first = rows["source"].eq("synthetic") if pretrain else rows["source"].eq("")
    checkpoint = plan.checkpoint(place)
    found = checkpoint.is_dir()
    fitted = fit(
        training_set(rows[~first], cohort, plan.study, image_and_mask),
        real_cases(cohort, cohort.folds[place.fold], image_and_mask),
        labels=cohort.labels,
        channels=cohort.facts["channels"],
        spatial_dims=cohort.facts["spatial_dims"],
        settings=plan.settings,
        trainer=plan.trainer,
        seed=plan.seed_of(place),
        pretrain_cases=training_set(rows[first], cohort, plan.study, image_and_mask),
        pretrain=pretrain,
        checkpoint=checkpoint,
        log=partial(tell, "log"),
    )
    ended = time.time()
    judged_later = not judge or plan.judged_by(place) == cohort.folds[place.fold] or not leads()
    return ModelRecord(
        place=place,
        curve=fitted.curve,
        steps=fitted.steps,
        final_loss=fitted.final_loss,
        convergence=fitted.convergence,
        remark=fitted.remark,
        seconds=fitted.seconds,
        trained=None if found else (ended - fitted.seconds, ended),
        validation=None if judged_later else judge_validation(fitted.network, plan, place),
    )


class Networks:
    """The trained networks of an arm on the device for inference, each read once where memory allows.

    Args:
        plan: of the arm.
        most_kept: weights to keep, bytes.
    """

    def __init__(self, plan: ArmPlan, most_kept: int = MOST_KEPT) -> None:
        self.plan = plan
        self._room = most_kept
        self._kept: dict[Place, torch.nn.Module] = {}

    def __getitem__(self, place: Place) -> torch.nn.Module:
        if place in self._kept:
            return self._kept[place]
        network = self._load(place)
        size = sum(weights.nbytes for weights in network.parameters())
        if size <= self._room:
            self._kept[place] = network
            self._room -= size
        return network

    def _load(self, place: Place) -> torch.nn.Module:
        from synthtrial.hardware import best_device
        from synthtrial.segmentation.network import build_network
        from synthtrial.segmentation.training import read_fitted

        facts = self.plan.cohort.facts
        network = build_network(
            self.plan.settings["network"],
            spatial_dims=facts["spatial_dims"],
            channels=facts["channels"],
            n_labels=len(facts["labels"]),
            seed=0,
        )
        return read_fitted(self.plan.checkpoint(place), network).network.to(best_device(self.plan.trainer))
