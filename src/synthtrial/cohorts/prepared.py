"""Reading a prepared cohort: the one view that every later stage has of the real cases."""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from synthtrial.cohorts.opened import opened
from synthtrial.errors import CohortError, ConfigError

INT16_SCALE = 32767
"""Stored int16 = round(image * 32767): image values in [-1, 1] keep a resolution of 3e-5."""

AUGMENTED_COLUMNS = (
    "case_id",
    "source_case",
    "patient_id",
    "kind",
    "copy",
    "image",
    "mask",
    "image_sha256",
    "label",
    "site",
)
"""Columns of `augmented.csv`, one row per altered copy of a development case."""


class PreparedCohort:
    """The cases that `prepare` wrote, opened lazily and memory-mapped, each once per process.

    The ids of augmented copies are as good as those of cases for `image`, `mask`, `window`, `affine` and `patients`.
    They are never among the ids that `test`, `folds` and `development` give: ask `augmented_of` for them.

    Args:
        folder: the `prepared/` folder of a study.

    Attributes:
        folder: the same path.
        facts: content of `cohort.json`: `name, unit, spatial_dims, channels, labels, classes, shape, spacing_mm`.
        cases: content of `cases.csv`, one row per case, indexed by `case_id`.

    Raises:
        CohortError: when the folder holds no prepared cohort.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        if not (self.folder / "cases.csv").is_file():
            raise CohortError(f"no prepared cohort in {self.folder}: run `dvc repro` (or pipelines/prepare.py) first")
        self.facts: dict = json.loads((self.folder / "cohort.json").read_text(encoding="utf-8"))
        self.cases = _read_table(self.folder / "cases.csv")

    @cached_property
    def augmented(self) -> pd.DataFrame:
        """Content of `augmented.csv`, one row per altered copy of a development case, indexed by `case_id`."""
        path = self.folder / "augmented.csv"
        if path.is_file():
            return _read_table(path)
        return pd.DataFrame(columns=list(AUGMENTED_COLUMNS)).set_index("case_id", drop=False)

    @property
    def labels(self) -> list[str]:
        """Names of the mask labels; the mask value of `labels[k]` is `k + 1`."""
        return list(self.facts["labels"])

    @property
    def shape(self) -> tuple[int, ...]:
        """Spatial shape of every prepared case, voxels."""
        return tuple(self.facts["shape"])

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        """Voxel size of every prepared case, mm, per axis."""
        return tuple(self.facts["spacing_mm"])

    @property
    def unit(self) -> str:
        """Unit of the intensities, such as HU."""
        return str(self.facts["unit"])

    @cached_property
    def splits(self) -> dict:
        """Content of `splits.json`: `{"seed", "test": [case_id], "folds": [[case_id], ...]}`."""
        return json.loads((self.folder / "splits.json").read_text(encoding="utf-8"))

    @property
    def test(self) -> list[str]:
        """Ids of the untouched test cases."""
        return list(self.splits["test"])

    @property
    def folds(self) -> list[list[str]]:
        """Ids of the validation cases of each fold; together they are the development part."""
        return [list(fold) for fold in self.splits["folds"]]

    @property
    def development(self) -> list[str]:
        """Ids of all cases outside the test set."""
        return [case_id for fold in self.folds for case_id in fold]

    def split(self, name: str) -> list[str]:
        """Ids of the cases that a generator may see.

        Args:
            name: `development` is everything outside the test set, `fold0` what fold 0 trains on (the development cases
                outside that fold), `all` every case, the test cases among them.

        Raises:
            ConfigError: for a split that does not exist.
        """
        splits = {"development": self.development, "all": [*self.development, *self.test]}
        if name in splits:
            return splits[name]
        trained_on = {f"fold{fold}": fold for fold in range(len(self.folds))}
        if name not in trained_on:
            raise ConfigError(f"unknown split {name!r}; there are: {', '.join([*splits, *trained_on])}")
        left_out = set(self.folds[trained_on[name]])
        return [case_id for case_id in self.development if case_id not in left_out]

    def augmented_of(self, case_ids: Collection[str]) -> list[str]:
        """Ids of the altered copies of the given cases; none where `prepare.augment` is null."""
        return list(self.augmented.index[self.augmented["source_case"].isin(case_ids)])

    def source_of(self, case_id: str) -> str:
        """The case that an altered copy was made from; a case is its own source."""
        return self.augmented.at[case_id, "source_case"] if case_id in self.augmented.index else case_id

    def patients(self, case_ids: Collection[str]) -> set[str]:
        """Patient ids of the given cases."""
        return set(self.cases.loc[[self.source_of(case_id) for case_id in case_ids], "patient_id"])

    def affine(self, case_id: str) -> np.ndarray:
        """Voxel-to-world matrix (4, 4) of the prepared grid, mm, RAS."""
        numbers = self.cases.at[self.source_of(case_id), "affine"].split()
        return np.array([float(x) for x in numbers]).reshape(4, 4)

    def window(self, case_id: str) -> tuple[float, float]:
        """Intensity (low, high) in the cohort's unit that was mapped to (-1, 1)."""
        row = self.cases.loc[self.source_of(case_id)]
        return float(row["intensity_low"]), float(row["intensity_high"])

    def stored_image(self, case_id: str) -> np.ndarray:
        """Memory-mapped int16 array `(C, *spatial)` as stored."""
        return opened(self.folder / self._file(case_id, "image"), _memory_mapped)

    def image(self, case_id: str) -> np.ndarray:
        """Float32 image `(C, *spatial)` in [-1, 1]."""
        return self.stored_image(case_id).astype(np.float32) / INT16_SCALE

    def mask(self, case_id: str) -> np.ndarray:
        """Memory-mapped uint8 label map `(*spatial)`; 0 is background. All zero when the cohort has no masks."""
        name = self._file(case_id, "mask")
        if not name:
            return np.zeros(self.shape, np.uint8)
        return opened(self.folder / name, _memory_mapped)

    def reference(self, case_id: str) -> tuple[np.ndarray, np.ndarray]:
        """The reference mask on the original grid, RAS: uint8 `(*original_shape)` and its affine (4, 4), mm."""
        import nibabel

        image = nibabel.Nifti1Image.from_filename(self.folder / "reference" / f"{case_id}.nii.gz")
        return np.asarray(image.dataobj, dtype=np.uint8), np.asarray(image.affine)

    def _file(self, case_id: str, kind: str) -> str:
        """Path of a case's or a copy's image or mask in the folder; empty for no mask."""
        table = self.augmented if case_id in self.augmented.index else self.cases
        return str(table.at[case_id, kind])


def _memory_mapped(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r")


def _read_table(path: Path) -> pd.DataFrame:
    text = dict.fromkeys(("case_id", "source_case", "patient_id", "site", "label", "image", "mask"), str)
    return pd.read_csv(path, dtype=text, keep_default_na=False).set_index("case_id", drop=False)
