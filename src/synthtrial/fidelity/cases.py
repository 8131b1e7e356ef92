"""Cases that are compared: where they come from, and which of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from synthtrial.cohorts.prepared import PreparedCohort


class CaseSource(Protocol):
    """What a prepared cohort, a synthetic one and a plain folder of images have in common. All cases have one shape."""

    @property
    def labels(self) -> list[str]:
        """Names of the mask labels; the mask value of `labels[k]` is `k + 1`. Empty where there are no masks."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Spatial shape of every case, voxels."""
        ...

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        """Voxel size, mm, per axis."""
        ...

    @property
    def unit(self) -> str:
        """Unit of the intensities, such as HU."""
        ...

    def window(self, case_id: str) -> tuple[float, float]:
        """Intensities (low, high) in that unit that -1 and 1 stand for."""
        ...

    def image(self, case_id: str) -> np.ndarray:
        """Float32 image `(C, *spatial)` in [-1, 1]."""
        ...

    def mask(self, case_id: str) -> np.ndarray:
        """Uint8 label map `(*spatial)`; 0 is background."""
        ...


@dataclass(frozen=True)
class Cases:
    """Some cases of a source, read one at a time as they are asked for.

    Attributes:
        source: the cohort or folder that holds them.
        case_ids: which of its cases, in order.
        patients: the patient of each case, in the same order; every case is its own where none are given.
    """

    source: CaseSource
    case_ids: tuple[str, ...]
    patients: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.patients:
            object.__setattr__(self, "patients", self.case_ids)

    def __len__(self) -> int:
        return len(self.case_ids)

    def images(self) -> Iterator[np.ndarray]:
        """Images `(C, *spatial)` in order, one in memory at a time."""
        return (self.source.image(case_id) for case_id in self.case_ids)

    def masks(self) -> Iterator[np.ndarray]:
        """Label maps `(*spatial)` in order, one in memory at a time."""
        return (np.asarray(self.source.mask(case_id)) for case_id in self.case_ids)


class ImagesAlone:
    """A source as it is, but for its masks, which are left aside."""

    def __init__(self, source: CaseSource) -> None:
        self.labels: list[str] = []
        self.shape, self.spacing_mm, self.unit = source.shape, source.spacing_mm, source.unit
        self.window, self.image = source.window, source.image

    def mask(self, case_id: str) -> np.ndarray:
        """Background everywhere."""
        return np.zeros(self.shape, np.uint8)


def without_masks(cases: Cases) -> Cases:
    """The same cases as if they had no masks: to compare them with such."""
    return Cases(ImagesAlone(cases.source), cases.case_ids, cases.patients)


def real_cases(cohort: PreparedCohort, case_ids: Sequence[str]) -> Cases:
    """Cases of a prepared cohort, or augmented copies of them, with their patients."""
    patients = cohort.cases.loc[[cohort.source_of(case_id) for case_id in case_ids], "patient_id"]
    return Cases(cohort, tuple(case_ids), tuple(map(str, patients)))


def common_window(cases: Cases) -> tuple[tuple[float, float], str]:
    """The intensity axis: (low, high) and unit where all cases share one window, else (-1, 1) as scaled."""
    windows = {cases.source.window(case_id) for case_id in cases.case_ids}
    if len(windows) == 1:
        return windows.pop(), cases.source.unit
    return (-1.0, 1.0), "scaled to [-1, 1] case by case"
