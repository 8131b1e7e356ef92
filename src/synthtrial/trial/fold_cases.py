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
    """The cases of one fold of an arm.

    Args:
        rows: rows of `arms/<arm>.csv`.
        cohort: the real cases.
        study: folder that the paths in the rows start from.

    Raises:
        CohortError: when a synthetic case has been drawn again since the arm was assembled.
    """
    synthetic: dict[Path, SyntheticCohort] = {}
    cases = []
    for row in rows.to_dict("records"):
        source: PreparedCohort | SyntheticCohort = cohort
        if row["source"] == "synthetic":
            path = study / row["path"]  # <synthetic cohort>/images/<case>
            folder = path.parents[1]
            if folder not in synthetic:
                synthetic[folder] = SyntheticCohort(folder)
            source = synthetic[folder]
            if source.manifest["image_sha256"].get(row["case_id"]) != row["sha256"]:
                raise CohortError(f"{path} is not the case that the arm was assembled from: assemble again")
        cases.append(TrainingCase(row["case_id"], row["source"], partial(_load, source, row["case_id"])))
    return cases


def real_cases(cohort: PreparedCohort, case_ids: list[str]) -> list[TrainingCase]:
    """Real cases by id."""
    return [TrainingCase(case_id, "real", partial(_load, cohort, case_id)) for case_id in case_ids]


def _load(cohort: PreparedCohort | SyntheticCohort, case_id: str) -> Pair:
    return cohort.image(case_id), cohort.mask(case_id)
