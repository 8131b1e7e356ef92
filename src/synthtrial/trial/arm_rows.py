"""The rows of `arms/<arm>.csv`: every training case of a fold, with its files, their hashes and where it comes from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.errors import ConfigError
from synthtrial.hashing import file_sha256
from synthtrial.trial.arm import Arm

COLUMNS = (
    "fold",
    "case_id",
    "source",
    "label",
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

Row = dict[str, Any]


def phases_of(rows: Sequence[Row], arm: Arm) -> list[list[Row]]:
    """The rows of a fold by what is trained on together: with pretraining the synthetic ones come first, alone."""
    if not arm.pretrain:
        return [list(rows)]
    return [[row for row in rows if (row["source"] == "synthetic") == synthetic] for synthetic in (True, False)]


def check_both_classes(rows: Sequence[Row], arm: Arm, fold: int, classes: Sequence[str]) -> None:
    """Refuse a fold of an arm, or its pretraining, that has cases of one class alone.

    Raises:
        ConfigError: naming the class that is missing.
    """
    for phase in phases_of(rows, arm):
        there = {row["label"] for row in phase}
        if missing := [name for name in classes if name not in there]:
            raise ConfigError(
                f"arm {arm.name!r}, fold {fold}: {len(phase)} cases are trained on together, and none of them is of "
                f"the class {missing[0]!r}, so that nothing can be told apart: raise the arm's real, or give it a draw "
                "of that class"
            )


class RowWriter:
    """Rows of cases; a prepared case is looked up, and its files hashed, once, however many rows name it.

    Args:
        cohort: the real cases and their altered copies.
        folder: `arms/` of the study.
    """

    def __init__(self, cohort: PreparedCohort, folder: Path) -> None:
        self.cohort = cohort
        self.study = folder.parent
        self._prepared = cache(self._look_up)
        self._sha256 = cache(file_sha256)
        self._places = cache(self._place)

    def real(self, fold: int, case_ids: Sequence[str]) -> list[Row]:
        """Rows of real cases; a case that is given twice gets two."""
        return [{"fold": fold, **self._prepared(case_id, "real")} for case_id in case_ids]

    def augmented(self, fold: int, copy_ids: Sequence[str]) -> list[Row]:
        """Rows of altered copies of real cases."""
        return [{"fold": fold, **self._prepared(copy_id, "augmented")} for copy_id in copy_ids]

    def synthetic(self, fold: int, drawn: SyntheticCohort, case_ids: Sequence[str]) -> list[Row]:
        """Rows of synthetic cases: generator, split, weights and seed as the manifest has them."""
        return [
            {
                "fold": fold,
                "case_id": row["case_id"],
                "source": "synthetic",
                "label": row["label"],
                "path": self._from_study(drawn.folder, row["image"]),
                "mask_path": self._from_study(drawn.folder, row["mask"]),
                "sha256": row["image_sha256"],
                **{key: str(row[key]) for key in ("mask_sha256", "generator", "split", "weights_sha256", "seed")},
            }
            for row in drawn.manifest.loc[list(case_ids)].to_dict("records")
        ]

    def _look_up(self, case_id: str, source: str) -> Row:
        """The row of a prepared case, without its fold."""
        folder = self.cohort.folder
        table = self.cohort.augmented if source == "augmented" else self.cohort.cases
        image, mask = table.at[case_id, "image"], table.at[case_id, "mask"]
        return {
            "case_id": case_id,
            "source": source,
            "label": self.cohort.cases.at[self.cohort.source_of(case_id), "label"],
            "path": self._from_study(folder, image),
            "mask_path": self._from_study(folder, mask),
            "sha256": self._sha256(folder / image),
            "mask_sha256": self._sha256(folder / mask) if mask else "",
        }

    def _from_study(self, folder: Path, name: str) -> str:
        """Path of a file relative to the study's folder, so that an arm's bytes don't depend on where that lies."""
        return f"{self._places(folder)}/{name}" if name else ""

    def _place(self, folder: Path) -> str:
        return Path(os.path.relpath(folder, self.study)).as_posix()
