"""Running one arm: a model per fold, each judged on every test case, and their ensemble."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import Progress

from synthtrial.atomic import atomic_folder
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import CohortError, ConfigError
from synthtrial.hardware import best_device
from synthtrial.segmentation.settings import train_settings
from synthtrial.segmentation.training import Fitted, fit
from synthtrial.trial import guard
from synthtrial.trial.arms import file_sha256, read_arm
from synthtrial.trial.fold_cases import real_cases, training_set
from synthtrial.trial.judging import judge_test, judge_validation
from synthtrial.trial.scores import patient_mean


def segment_arm(
    arm_csv: Path,
    cohort: PreparedCohort,
    *,
    arm: str,
    segmenter: str,
    settings: Mapping[str, Any],
    trainer: Mapping[str, Any],
    seed: int,
    folder: Path,
    checkpoints: Path,
    protocol: str = "holdout",
    logger_for_fold: Callable[[int], Any] | None = None,
) -> None:
    """Train one segmenter on one arm, fold by fold, and judge it on the test cases.

    The folds start from the same weights in every arm, which pairs them further. Test cases are judged on the
    original grid, by every fold model and by the mean of the models' probabilities; so are the validation cases of
    each fold. Finished folds are kept in `checkpoints`: the same call goes on from there.

    Args:
        arm_csv: the arm's training cases, `arms/<arm>.csv` of a study.
        cohort: the real cases.
        arm: name of the arm.
        segmenter: name of the segmenter.
        settings: `network` and `train` of a `conf/segmenter` file.
        trainer: `accelerator`, `devices`, `precision`, and optionally `threads` and `loader_workers`.
        seed: seed of the trainings; each fold has its own, drawn from it.
        folder: the folder to write (`folds.csv`, `cases.csv`, `curves.csv`, `predictions/`), replaced as a whole.
        checkpoints: folder of finished folds, which may hold those of other settings too.
        protocol: what the guard allows.
        logger_for_fold: gives the Lightning logger of a fold.

    Raises:
        LeakError: when a test case, or its patient, is among the training cases.
        CohortError: when a training case's files are missing or not those of the arm.
        ConfigError, TrainingError: as `fit` does.
    """
    if not cohort.labels:
        raise ConfigError(f"the cohort {cohort.facts['name']} has no mask labels, so there is nothing to segment")
    table = read_arm(arm_csv)
    _check_leaks(table, cohort, arm, protocol)
    study = arm_csv.parent.parent
    fitted, counts = [], []
    with Progress() as progress:
        for fold in range(len(cohort.folds)):
            rows = table[table["fold"] == fold]
            counts.append(rows["source"].value_counts())
            show = _show(progress, f"{segmenter} on {arm}, fold {fold}", settings["train"]["steps"])
            fitted.append(
                fit(
                    training_set(rows, cohort, study),
                    real_cases(cohort, cohort.folds[fold]),
                    labels=cohort.labels,
                    channels=cohort.facts["channels"],
                    spatial_dims=cohort.facts["spatial_dims"],
                    settings=settings,
                    trainer=trainer,
                    seed=fold_seed(seed, fold),
                    checkpoint=checkpoints / f"fold{fold}-{fold_key(rows, cohort, fold, settings, trainer, seed)}",
                    logger=logger_for_fold(fold) if logger_for_fold else None,
                    on_step=show,
                )
            )
            show(settings["train"]["steps"], fitted[-1].final_loss)
    _judge_and_write(folder, fitted, counts, cohort, settings, trainer, {"arm": arm, "segmenter": segmenter})


def fold_seed(seed: int, fold: int) -> int:
    """Seed of a fold's training: the same fold of every arm has the same."""
    return int(np.random.SeedSequence([seed, fold]).generate_state(1)[0])


def fold_key(
    rows: pd.DataFrame,
    cohort: PreparedCohort,
    fold: int,
    settings: Mapping[str, Any],
    trainer: Mapping[str, Any],
    seed: int,
) -> str:
    """Hash of all that a fold's model and curve depend on: training and validation cases, settings, seed."""
    validation = [
        [row.case_id, file_sha256(cohort.folder / str(row.image)), file_sha256(cohort.folder / str(row.mask))]
        for row in cohort.cases.loc[cohort.folds[fold]].itertuples()
    ]
    training = rows[["case_id", "source", "sha256", "mask_sha256"]].to_numpy().tolist()
    hardware = [trainer[key] for key in ("accelerator", "devices", "precision")]
    content = [training, validation, cohort.facts, settings, hardware, seed]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=list).encode()).hexdigest()[:16]


def _check_leaks(table: pd.DataFrame, cohort: PreparedCohort, arm: str, protocol: str) -> None:
    seen = list(table.loc[table["source"] == "real", "case_id"].unique())
    unknown = [case_id for case_id in seen if case_id not in cohort.cases.index]
    if unknown:
        raise CohortError(
            f"arm {arm!r} trains on {unknown[0]!r}, which the prepared cohort does not have: assemble again"
        )
    guard.check(cohort.test, cohort.patients(cohort.test), seen, cohort.patients(seen), protocol, f"arm {arm!r}")


def _judge_and_write(
    folder: Path,
    fitted: list[Fitted],
    counts: list[pd.Series],
    cohort: PreparedCohort,
    settings: Mapping[str, Any],
    trainer: Mapping[str, Any],
    named: dict[str, str],
) -> None:
    """Write the folder of results; `named` are the columns that open its tables."""
    train = train_settings(settings["train"])
    networks = [model.network.to(best_device(trainer)) for model in fitted]
    with atomic_folder(folder) as partial:
        scores = judge_test(networks, cohort, train, partial / "predictions")
        validation = judge_validation(networks, cohort, train)
        folds = _fold_table(fitted, counts, scores, validation, train.steps)
        curves = pd.DataFrame([{"fold": fold, **row} for fold, model in enumerate(fitted) for row in model.curve])
        _with_columns(scores, named).to_csv(partial / "cases.csv", index=False)
        _with_columns(folds, named).to_csv(partial / "folds.csv", index=False)
        curves.to_csv(partial / "curves.csv", index=False)


def _show(progress: Progress, description: str, steps: int) -> Callable[[int, float], None]:
    """Show a fold's training as a bar of steps, with the loss beside it."""
    bar = progress.add_task(description, total=steps)
    return lambda step, loss: progress.update(bar, completed=step, description=f"{description}, loss {loss:.3f}")


def _fold_table(
    fitted: list[Fitted],
    counts: list[pd.Series],
    scores: pd.DataFrame,
    validation: pd.DataFrame,
    steps: int,
) -> pd.DataFrame:
    """One row per fold model: what it was trained on, how it ended, and its validation and test Dice."""
    metrics = [name for name in scores if name == "dice" or name.startswith("dice/")]
    rows = []
    for fold, (model, count) in enumerate(zip(fitted, counts, strict=True)):
        validated = validation[validation["fold"] == fold]
        rows.append(
            {
                "fold": fold,
                "train_real": count.get("real", 0),
                "train_synthetic": count.get("synthetic", 0),
                "steps": steps,
                "final_loss": model.final_loss,
                **{f"validation_{metric}": patient_mean(validated, metric) for metric in metrics},
                "test_dice": patient_mean(scores[scores["fold"] == fold], "dice"),
                "seconds": round(model.seconds, 2),
            }
        )
    return pd.DataFrame(rows)


def _with_columns(table: pd.DataFrame, values: dict[str, str]) -> pd.DataFrame:
    """The table with constant columns in front."""
    return pd.concat([pd.DataFrame(values, index=table.index), table], axis=1)
