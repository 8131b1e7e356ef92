"""From the rows of an arm to cases that a model trains on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.errors import CohortError
from synthtrial.supervised.case import Sample, TrainingCase

Target = Callable[[PreparedCohort | SyntheticCohort, Mapping[str, str]], Sample]
"""Reads a case and what is to be learned of it, given its row of an arm."""


def training_set(rows: pd.DataFrame, cohort: PreparedCohort, study: Path, read: Target) -> list[TrainingCase]:
    """The cases of one fold of an arm, in the order of their rows; `source` is `real`, `augmented` or `synthetic`.

    Args:
        rows: rows of `arms/<arm>.csv`.
        cohort: the real cases.
        study: folder that the paths in the rows start from.
        read: what is to be read of a case.

    Raises:
        CohortError: when a synthetic case has been drawn, or a copy altered, again since the arm was assembled.
    """
    synthetic: dict[Path, SyntheticCohort] = {}
    cases = []
    for row in rows.to_dict("records"):
        source: PreparedCohort | SyntheticCohort = cohort
        path = study / row["path"]
        if row["source"] == "synthetic":
            folder = path.parents[1]  # path is <synthetic cohort>/images/<case>
            if folder not in synthetic:
                synthetic[folder] = SyntheticCohort(folder)
            source = synthetic[folder]
            _check_same(source.manifest, row, "image_sha256", "mask_sha256")
        elif row["source"] == "augmented":
            _check_same(cohort.augmented, row, "image_sha256")
        cases.append(TrainingCase(row["case_id"], row["source"], partial(read, source, row)))
    return cases


def _check_same(table: pd.DataFrame, row: dict[str, str], *columns: str) -> None:
    """Compare hashes that a table has of a case with those of the arm's row."""
    case_id = row["case_id"]
    found = [table.at[case_id, column] if case_id in table.index else None for column in columns]
    if found != [row[{"image_sha256": "sha256"}.get(column, column)] for column in columns]:
        raise CohortError(f"{row['path']} is not the case that the arm was assembled from: assemble again")


def real_cases(cohort: PreparedCohort, case_ids: list[str], read: Target) -> list[TrainingCase]:
    """Real cases by id."""
    rows = cohort.cases.loc[case_ids, ["case_id", "label"]].to_dict("records")
    return [TrainingCase(row["case_id"], "real", partial(read, cohort, row)) for row in rows]


def image_and_mask(source: PreparedCohort | SyntheticCohort, row: Mapping[str, str]) -> Sample:
    """What a segmenter learns from."""
    return {"image": source.image(row["case_id"]), "mask": source.mask(row["case_id"])[None]}


def image_and_label(
    classes: tuple[str, str], source: PreparedCohort | SyntheticCohort, row: Mapping[str, str]
) -> Sample:
    """What a classifier learns from: the class, 1 for the positive one, and the size of a real case's lesion, ml.

    Args:
        classes: the negative class and the positive one.
        source: where the case lies.
        row: with its `case_id` and `label`.
    """
    case_id = row["case_id"]
    sample = {"image": source.image(case_id), "label": np.array(classes.index(row["label"]))}
    if source.labels and isinstance(source, PreparedCohort) and case_id in source.cases.index:
        sample["lesion_ml"] = np.array(float(source.cases.at[case_id, "lesion_ml"]), np.float32)
    return sample
