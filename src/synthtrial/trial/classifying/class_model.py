"""Training one classifier of an arm, and what it says of the cases that it left out and of those it is judged on."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthtrial.atomic import atomic_folder, write_json
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.hashing import file_sha256
from synthtrial.processes import leads
from synthtrial.trial.running.arm_plan import ArmPlan, Place
from synthtrial.trial.running.crew import Tell

if TYPE_CHECKING:
    from synthtrial.classification.fitted import Fitted
    from synthtrial.supervised.case import TrainingCase

FACTS = ("steps", "final_loss", "convergence", "remark", "seconds")


@dataclass(frozen=True)
class ClassRecord:
    """What is to be said of a finished classifier, without its weights, which lie in its checkpoint.

    Attributes:
        place: of the model in its arm.
        curve: rows `step, loss, validation_loss`; empty for a classic model.
        steps: optimizer steps of its training; 0 for a classic model.
        final_loss: training loss at the end.
        convergence: empty for a model that has learned, else why not.
        remark: why a model that has learned would have learned more with more steps; else empty.
        seconds: wall time of its training.
        trained: Unix times of the beginning and the end of its training; None where it was found finished.
        validation: `case_id, probability` of the positive class, of the cases that it left out.
        judged: the same of the cases that it is judged on.
    """

    place: Place
    curve: list[dict[str, Any]]
    steps: int
    final_loss: float
    convergence: str
    remark: str
    seconds: float
    trained: tuple[float, float] | None
    validation: pd.DataFrame
    judged: pd.DataFrame


def is_finished(plan: ArmPlan, classes: tuple[str, str], place: Place) -> bool:
    """Whether a classifier lies trained in its checkpoint, with what it said of the cases that it is judged on."""
    return _said_in(_folder(plan, classes, place, patients_of(plan.rows_of(place), plan)), plan, place).is_dir()


def _folder(plan: ArmPlan, classes: tuple[str, str], place: Place, patients: pd.Series) -> Path:
    return plan.checkpoint(place, classes, patients.tolist(), weights_of(plan.settings))


def _said_in(folder: Path, plan: ArmPlan, place: Place) -> Path:
    return folder / f"said-{plan.judged_key(place)}"


def train_model(plan: ArmPlan, classes: tuple[str, str], place: Place, tell: Tell) -> ClassRecord:
    """Train a classifier and let it judge its cases, or take both from its checkpoint.

    Args:
        plan: of the arm.
        classes: the negative class and the positive one.
        place: of the model.
        tell: hears of the training's progress.

    Raises:
        CohortError: when a training case's files are missing or not those of the arm.
        ConfigError, TrainingError: as `fit` does.
    """
    from synthtrial.trial.running.fold_cases import image_and_label, real_cases

    read = partial(image_and_label, classes)
    patients = patients_of(plan.rows_of(place), plan)
    folder = _folder(plan, classes, place, patients)
    said_in = _said_in(folder, plan, place)
    if said_in.is_dir():
        return _read_record(place, said_in)
    found = (folder / "model").is_dir()
    left_out = real_cases(plan.cohort, plan.cohort.folds[place.fold], read)
    fitted = _fitted(plan, classes, place, patients, left_out, folder / "model", tell)
    ended = time.time()
    if not leads():
        left_out, judged = [], []  # the leading process asks the model
    else:
        judged = real_cases(plan.cohort, plan.judged_by(place), read)
    said = {
        name: pd.DataFrame({"case_id": [case.case_id for case in cases], "probability": fitted.probabilities(cases)})
        for name, cases in (("validation", left_out), ("judged", judged))
    }
    record = ClassRecord(
        place=place,
        curve=list(fitted.curve),
        **{name: getattr(fitted, name) for name in FACTS},
        trained=None if found else (ended - fitted.seconds, ended),
        **said,
    )
    if leads():
        _write_record(record, said_in)
    return record


def _fitted(
    plan: ArmPlan,
    classes: tuple[str, str],
    place: Place,
    patients: pd.Series,
    left_out: list[TrainingCase],
    checkpoint: Path,
    tell: Tell,
) -> Fitted:
    """The classifier of a place, trained or from its checkpoint."""
    from synthtrial.classification.training import fit
    from synthtrial.trial.running.fold_cases import image_and_label, training_set

    cohort, rows, arm = plan.cohort, plan.rows_of(place), plan.arm
    first = rows["source"].eq("synthetic") if arm.pretrain else rows["source"].eq("")
    read = partial(image_and_label, classes)
    return fit(
        training_set(rows[~first], cohort, plan.study, read),
        left_out,
        classes=classes,
        channels=cohort.facts["channels"],
        spatial_dims=cohort.facts["spatial_dims"],
        settings=plan.settings,
        trainer=plan.trainer,
        seed=plan.seed_of(place),
        pretrain_cases=training_set(rows[first], cohort, plan.study, read),
        pretrain=arm.pretrain,
        balance=arm.balance,
        checkpoint=checkpoint,
        log=partial(tell, "log"),
        groups=patients[~first].tolist(),
    )


def weights_of(settings: Mapping[str, Any]) -> list[str]:
    """Hashes of the files of weights that a classifier's settings name by path: other contents make another model."""
    parts = [part for part in (settings.get("pretrained"), settings.get("features")) if isinstance(part, Mapping)]
    paths = [Path(part["weights"]).expanduser() for part in parts if part.get("weights")]
    return [file_sha256(path) for path in paths if path.is_file()]


def patients_of(rows: pd.DataFrame, plan: ArmPlan) -> pd.Series:
    """The patient of each training case, in the order of the rows.

    A synthetic case that was made from a real one, as translations are, is of that one's patient: inner folds that
    took the two apart would judge a patient by an altered copy. Any other is a patient of its own.
    """
    cohort = plan.cohort
    made_from: dict[str, str] = {}
    for folder in {plan.study / Path(path).parents[1] for path in rows.loc[rows["source"] == "synthetic", "path"]}:
        made_from |= SyntheticCohort(folder).manifest["source_case"].to_dict()
    sources = [
        made_from.get(row.case_id) if row.source == "synthetic" else cohort.source_of(row.case_id)
        for row in rows.itertuples()
    ]
    known = cohort.cases["patient_id"].to_dict()
    patients = [known.get(source, case_id) for source, case_id in zip(sources, rows["case_id"], strict=True)]
    return pd.Series(patients, index=rows.index, dtype=str)


def _write_record(record: ClassRecord, folder: Path) -> None:
    """Keep what the model said beside its weights: a stage that goes on trains and asks nothing again."""
    with atomic_folder(folder) as partial_folder:
        for name in ("validation", "judged"):
            getattr(record, name).to_csv(partial_folder / f"{name}.csv", index=False)
        facts = {name: getattr(record, name) for name in (*FACTS, "curve")}
        write_json(partial_folder / "record.json", facts)


def _read_record(place: Place, folder: Path) -> ClassRecord:
    facts = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    said = {
        name: pd.read_csv(folder / f"{name}.csv", dtype={"case_id": str, "probability": np.float64})
        for name in ("validation", "judged")
    }
    return ClassRecord(place=place, **facts, trained=None, **said)
