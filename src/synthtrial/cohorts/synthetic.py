"""Reading a synthetic cohort: the one view that every later stage has of drawn cases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from synthtrial.cohorts.opened import opened
from synthtrial.cohorts.prepared import INT16_SCALE
from synthtrial.errors import CohortError

MANIFEST_COLUMNS = (
    "case_id",
    "generator",
    "split",
    "weights_sha256",
    "seed",
    "index",
    "batch",
    "label",
    "source_case",
    "threshold",
    "lesion_voxels",
    "lesion_ml",
    "nearest_case",
    "nearest_distance",
    "copy_score",
    "accepted",
    "reason",
    "image",
    "mask",
    "image_sha256",
    "mask_sha256",
)
"""Columns of `manifest.csv`, one row per drawn case. `image` and `mask` are empty for rejected cases."""

PNG_HALF_SCALE = 127.5
"""Stored uint8 = round((image + 1) * 127.5)."""


class SyntheticCohort:
    """The cases that `synthesize` wrote, opened lazily and memory-mapped, each once per process.

    Args:
        folder: a `synthetic/<generator>/<split>/` folder of a study.

    Attributes:
        folder: the same path.
        facts: content of `synthetic.json`: which generator drew, what it had seen, labels, shape, spacing.
        manifest: content of `manifest.csv`, one row per drawn case, indexed by `case_id`. A rejected case
            is listed with its reason, but has no files.

    Raises:
        CohortError: when the folder holds no synthetic cohort, or files of accepted cases are missing.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        for name in ("manifest.csv", "synthetic.json"):
            if not (self.folder / name).is_file():
                raise CohortError(
                    f"no synthetic cohort in {self.folder} ({name} is missing): "
                    "run `dvc repro` (or pipelines/synthesize.py) first"
                )
        self.facts: dict = json.loads((self.folder / "synthetic.json").read_text(encoding="utf-8"))
        text = ("case_id", "generator", "split", "label", "source_case", "weights_sha256", "nearest_case", "reason")
        self.manifest = pd.read_csv(
            self.folder / "manifest.csv", dtype=dict.fromkeys((*text, "image", "mask"), str), keep_default_na=False
        )
        self._check_manifest()
        self.manifest = self.manifest.set_index("case_id", drop=False)

    @property
    def accepted(self) -> list[str]:
        """Ids of the accepted cases, in the order drawn. Only these go into arms and into fidelity."""
        return list(self.manifest.index[self.manifest["accepted"]])

    @property
    def labels(self) -> list[str]:
        """Names of the mask labels; the mask value of `labels[k]` is `k + 1`."""
        return list(self.facts["labels"])

    @property
    def shape(self) -> tuple[int, ...]:
        """Spatial shape of every case, voxels."""
        return tuple(self.facts["shape"])

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        """Voxel size of every case, mm, per axis."""
        return tuple(self.facts["spacing_mm"])

    @property
    def unit(self) -> str:
        """Unit of the intensities, such as HU."""
        return str(self.facts["unit"])

    def window(self, case_id: str) -> tuple[float, float]:
        """Intensities (low, high) in that unit that -1 and 1 stand for: the same for all cases."""
        low, high = self.facts["intensity_window"]
        return float(low), float(high)

    def image(self, case_id: str) -> np.ndarray:
        """Float32 image `(C, *spatial)` in [-1, 1]."""
        return read_image(self._path(case_id, "image"))

    def mask(self, case_id: str) -> np.ndarray:
        """Uint8 label map `(*spatial)`; 0 is background. All zero when the cohort has no masks."""
        if not self.manifest.at[case_id, "mask"]:
            return np.zeros(self.shape, np.uint8)
        return read_mask(self._path(case_id, "mask"))

    def _path(self, case_id: str, kind: str) -> Path:
        name = self.manifest.at[case_id, kind]
        if not name:
            reason = self.manifest.at[case_id, "reason"]
            raise CohortError(f"{self.folder}: case {case_id} was rejected ({reason}) and has no {kind}")
        return self.folder / name

    def _check_manifest(self) -> None:
        missing = [name for name in MANIFEST_COLUMNS if name not in self.manifest]
        if missing:
            raise CohortError(f"{self.folder / 'manifest.csv'}: columns {missing} are missing; draw the cohort again")
        repeated = self.manifest["case_id"][self.manifest["case_id"].duplicated()].tolist()
        if repeated:
            raise CohortError(f"{self.folder / 'manifest.csv'}: case_id {repeated[0]} is listed twice")
        for row in self.manifest[self.manifest["accepted"]].itertuples():
            for name in filter(None, (row.image, row.mask)):
                if not (self.folder / name).is_file():
                    raise CohortError(
                        f"{self.folder / name}, listed in manifest.csv for case {row.case_id}, does not exist; "
                        "draw the cohort again"
                    )


def voxel_ml(spacing_mm: Sequence[float]) -> float:
    """Volume of one voxel in ml; in 2D the area of one pixel in cm2."""
    return float(np.prod(spacing_mm)) / 10 ** len(spacing_mm)


def read_image(path: Path) -> np.ndarray:
    """Read one synthetic image, `.nii` or `.png`, as float32 `(C, *spatial)` in [-1, 1]."""
    if path.suffix == ".png":
        pixels = opened(path, _read_png)
        return np.atleast_3d(pixels).transpose(2, 0, 1).astype(np.float32) / PNG_HALF_SCALE - 1
    voxels = opened(path, _read_nifti)
    channels_first = voxels[None] if voxels.ndim == 3 else np.moveaxis(voxels, -1, 0)
    return channels_first.astype(np.float32, order="C") / INT16_SCALE


def read_mask(path: Path) -> np.ndarray:
    """Read one synthetic mask, `.nii` or `.png`, as a uint8 label map `(*spatial)`; read-only."""
    return opened(path, _read_png if path.suffix == ".png" else _read_nifti)


def _read_png(path: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as image:
        return np.array(image)


def _read_nifti(path: Path) -> np.ndarray:
    """The stored numbers, without the slope and intercept that are there for viewers, memory-mapped."""
    import nibabel

    return nibabel.load(path, mmap="r").dataobj.get_unscaled()  # type: ignore[attr-defined]
