"""Arms: the competing training sets of a trial, written out case by case."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from synthtrial.atomic import atomic_folder
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.errors import CohortError, ConfigError
from synthtrial.trial import guard
from synthtrial.trial.arm import Arm
from synthtrial.trial.choosing import real_subset, synthetic_subset, training_cases
from synthtrial.trial.protocol import Protocol

COLUMNS = (
    "fold",
    "case_id",
    "source",
    "path",
    "mask_path",
    "sha256",
    "mask_sha256",
    "generator",
    "split",
    "weights_sha256",
    "seed",
)
"""Columns of `arms/<arm>.csv`, one row per training case per fold. Paths are relative to the study's folder."""

Synthetic = Mapping[str, Mapping[str, SyntheticCohort]]
"""Draw to split to the cohort drawn from the generator of that split."""

Models = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Draw to split to the `model.json` of the generator."""


def assemble(
    arms: Sequence[Arm],
    cohort: PreparedCohort,
    synthetic: Synthetic,
    models: Models,
    *,
    protocol: Protocol,
    seed: int,
    folder: Path,
) -> None:
    """Write `<arm>.csv` for every arm into `folder`, the `arms/` folder of a study.

    Every fold trains on the cases of the other folds, and on accepted synthetic cases drawn anew for each fold, without
    replacement; so which synthetic cases a fold got is part of the variance between folds. The choice depends on the
    seed and the fold, not on the arm: an arm with more cases holds all those of an arm with fewer.

    Args:
        arms: the arms.
        cohort: the real cases.
        synthetic: the synthetic ones.
        models: what their generators are and have seen.
        protocol: which generator fills which fold, and what it may have seen.
        seed: seed of the choices.
        folder: the folder to write, replaced as a whole.

    Raises:
        ConfigError: when an arm asks for a generator or for more cases than there are.
        CohortError: when synthetic cases don't fit the cohort's shape and labels.
        LeakError: when a case that is judged on, or its patient, is in an arm or was seen by a generator of it.
    """
    sha256 = cache(file_sha256)
    with atomic_folder(folder) as partial:
        for arm in arms:
            rows: list[dict[str, Any]] = []
            for fold in range(len(cohort.folds)):
                rows += _real_rows(arm, cohort, fold, seed, folder, sha256)
                _check_real(arm, [row for row in rows if row["fold"] == fold], cohort, protocol, fold)
                for draw in arm.synthetic:
                    drawn = _cohort_of(arm, draw, synthetic, protocol.split_of(fold), cohort)
                    _check_model(drawn, models[draw][protocol.split_of(fold)])
                    _check_generator(arm, draw, drawn, cohort, protocol, fold)
                    rows += _synthetic_rows(arm, draw, drawn, cohort, fold, seed, folder)
            pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(partial / f"{arm.name}.csv", index=False)


def read_arm(path: Path) -> pd.DataFrame:
    """Read `arms/<arm>.csv`; `fold` is an integer, everything else text.

    Raises:
        ConfigError: when the file is missing.
    """
    if not path.is_file():
        raise ConfigError(f"no arm in {path}: run `dvc repro` (or pipelines/assemble.py) first")
    return pd.read_csv(path, dtype=dict.fromkeys(COLUMNS, str) | {"fold": int}, keep_default_na=False)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _real_rows(arm: Arm, cohort: PreparedCohort, fold: int, seed: int, folder: Path, sha256: Any) -> list[dict]:
    rows = []
    for case_id in real_subset(cohort, fold, arm.real, seed):
        image, mask = cohort.cases.loc[case_id, ["image", "mask"]]
        rows.append(
            {
                "fold": fold,
                "case_id": case_id,
                "source": "real",
                "path": _from_study(cohort.folder, image, folder),
                "mask_path": _from_study(cohort.folder, mask, folder),
                "sha256": sha256(cohort.folder / image),
                "mask_sha256": sha256(cohort.folder / mask) if mask else "",
            }
        )
    return rows


def _synthetic_rows(
    arm: Arm, generator: str, drawn: SyntheticCohort, cohort: PreparedCohort, fold: int, seed: int, folder: Path
) -> list[dict]:
    n_real = len(training_cases(cohort, fold))
    wanted = round(arm.synthetic[generator] * n_real)
    if wanted > len(drawn.accepted):
        raise ConfigError(
            f"arm {arm.name!r} asks for {wanted} synthetic cases of {generator!r} ({arm.synthetic[generator]:g} per "
            f"real one, {n_real} real in fold {fold}), but {drawn.folder} has {len(drawn.accepted)} accepted of "
            f"{len(drawn.manifest)} drawn: raise synthesis.per_real and run again, or lower the arm's ratio"
        )
    rows = []
    for row in drawn.manifest.loc[synthetic_subset(drawn, fold, wanted, seed)].itertuples():
        rows.append(
            {
                "fold": fold,
                "case_id": row.case_id,
                "source": "synthetic",
                "path": _from_study(drawn.folder, str(row.image), folder),
                "mask_path": _from_study(drawn.folder, str(row.mask), folder),
                "sha256": row.image_sha256,
                "mask_sha256": row.mask_sha256,
                "generator": row.generator,
                "split": row.split,
                "weights_sha256": row.weights_sha256,
                "seed": row.seed,
            }
        )
    return rows


def _from_study(folder: Path, name: str, arms: Path) -> str:
    """Path of a file relative to the study's folder, so that an arm's bytes don't depend on where that lies."""
    return Path(os.path.relpath(folder / name, arms.parent)).as_posix() if name else ""


def _cohort_of(arm: Arm, generator: str, synthetic: Synthetic, split: str, cohort: PreparedCohort) -> SyntheticCohort:
    if generator not in synthetic:
        known = ", ".join(synthetic) or "none in this study"
        raise ConfigError(f"arms.{arm.name}.synthetic names the generator {generator!r}; there are: {known}")
    drawn = synthetic[generator][split]
    if drawn.shape != cohort.shape or drawn.labels != cohort.labels:
        raise CohortError(
            f"{drawn.folder} has cases of shape {drawn.shape} with labels {drawn.labels}, but the cohort has "
            f"{cohort.shape} and {cohort.labels}: train {generator!r} and draw again"
        )
    if cohort.labels and not drawn.manifest.loc[drawn.accepted, "mask"].all():
        raise CohortError(
            f"{drawn.folder} has images without masks, which arm {arm.name!r} can't train a segmenter on: choose "
            f"another representation than image_only for {generator!r}"
        )
    return drawn


def _check_model(drawn: SyntheticCohort, model: Mapping[str, Any]) -> None:
    """Refuse cases that were not drawn from the generator that the study has now."""
    rows = drawn.manifest[drawn.manifest["weights_sha256"] != model["weights_sha256"]]
    if len(rows):
        raise CohortError(
            f"{drawn.folder / 'manifest.csv'}: case {rows.index[0]} was drawn from other weights "
            f"({rows['weights_sha256'].iloc[0][:12]}) than the study's generator has ({model['weights_sha256'][:12]}): "
            "draw the cohort again (pipelines/synthesize.py)"
        )


def _check_generator(
    arm: Arm, draw: str, drawn: SyntheticCohort, cohort: PreparedCohort, protocol: Protocol, fold: int
) -> None:
    where = f"arm {arm.name!r}, fold {fold}, generator {draw!r}"
    unseen = protocol.unseen(cohort, fold)
    seen_cases, seen_patients = drawn.facts["seen_cases"], drawn.facts["seen_patients"]
    guard.check(unseen, cohort.patients(unseen), seen_cases, seen_patients, protocol.name, where)


def _check_real(arm: Arm, rows: list[dict], cohort: PreparedCohort, protocol: Protocol, fold: int) -> None:
    seen = [row["case_id"] for row in rows if row["source"] != "synthetic"]
    judged = protocol.judged(cohort, fold)
    where = f"arm {arm.name!r}, fold {fold}, real cases"
    guard.check(judged, cohort.patients(judged), seen, cohort.patients(seen), protocol.name, where)
