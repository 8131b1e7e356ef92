"""From the rows of an arm to cases that a segmenter trains on."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.errors import CohortError
from synthtrial.segmentation.dataset import Pair, TrainingCase


def training_set(rows: pd.DataFrame, cohort: PreparedCohort, study: Path) -> list[TrainingCase]:
    """The cases of one fold of an arm, in the order of their rows; `source` is `real`, `augmented` or `synthetic`.

    Args:
        rows: rows of `arms/<arm>.csv`.
        cohort: the real cases.
        study: folder that the paths in the rows start from.

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
        cases.append(TrainingCase(row["case_id"], row["source"], partial(_load, source, row["case_id"])))
    return cases


def _check_same(table: pd.DataFrame, row: dict[str, str], *columns: str) -> None:
    """Compare hashes that a table has of a case with those of the arm's row."""
    case_id = row["case_id"]
    found = [table.at[case_id, column] if case_id in table.index else None for column in columns]
    if found != [row[{"image_sha256": "sha256"}.get(column, column)] for column in columns]:
        raise CohortError(f"{row['path']} is not the case that the arm was assembled from: assemble again")


def real_cases(cohort: PreparedCohort, case_ids: list[str]) -> list[TrainingCase]:
    """Real cases by id."""
    return [TrainingCase(case_id, "real", partial(_load, cohort, case_id)) for case_id in case_ids]


def _load(cohort: PreparedCohort | SyntheticCohort, case_id: str) -> Pair:
    return cohort.image(case_id), cohort.mask(case_id)
