"""What every cohort reader yields, and what it promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from synthtrial.errors import CohortError
from synthtrial.params import build


@dataclass(frozen=True)
class CaseRef:
    """A case that was found but not read yet.

    Attributes:
        case_id: unique in the cohort; names the case's files.
        patient_id: cases of one patient never part in a split.
        site: scanner or hospital.
        label: class of the whole case, or "".
        image: the image file; None for a case that is computed.
        masks: the mask files: none, one, or one per human reader.
        source: where the case comes from, for people.
    """

    case_id: str
    patient_id: str
    site: str
    label: str
    image: Path | None
    masks: tuple[Path, ...]
    source: str


@dataclass(frozen=True)
class RawCase:
    """A case in memory, on some voxel grid; the steps of `prepare` turn one `RawCase` into the next.

    Attributes:
        ref: which case this is.
        image: float32 `(C, *spatial)`, in the cohort's unit.
        mask: uint8 label map `(*spatial)`, value `k + 1` for `labels[k]`; None where the cohort has no masks.
        affine: `(4, 4)`, voxel to world in mm, RAS. For a 2D case the third axis is trivial.
        warnings: what the reader had to mend, one sentence each.
    """

    ref: CaseRef
    image: np.ndarray
    mask: np.ndarray | None
    affine: np.ndarray
    warnings: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Spatial shape, voxels."""
        return self.image.shape[1:]

    @property
    def spacing(self) -> tuple[float, ...]:
        """Distance between voxel centres along each spatial axis, mm."""
        return tuple(float(x) for x in np.linalg.norm(self.affine[:3, : len(self.shape)], axis=0))


class Reader(Protocol):
    """Finds and reads the cases of one raw cohort. Picklable, because worker processes call `read`.

    Attributes:
        name: of the cohort.
        unit: of image values: "HU", "MR" (arbitrary), "grey" or "RGB".
        spatial_dims: 2 or 3.
        labels: names of the mask labels; empty where the cohort has no masks.
        channels: number of image channels.
        patients_known: whether it can tell which cases are of one patient; where not, each case counts as a patient.
    """

    name: str
    unit: str
    spatial_dims: int
    labels: list[str]
    channels: int
    patients_known: bool

    def find(self) -> list[CaseRef]:
        """List all cases without reading them; check that ids are unique and that no image or mask is missing."""
        ...

    def read(self, ref: CaseRef) -> RawCase:
        """Read one case; check its geometry and its values."""
        ...


def check_refs(refs: Sequence[CaseRef], looked_for: str) -> list[CaseRef]:
    """Return the cases sorted by id.

    Args:
        refs: what a reader found.
        looked_for: what the reader looked for, for the message.

    Raises:
        CohortError: when there is no case, or two cases share an id.
    """
    if not refs:
        raise CohortError(f"no cases found: nothing matches {looked_for}. Check the root folder and the patterns")
    first: dict[str, CaseRef] = {}
    for ref in refs:
        twin = first.setdefault(ref.case_id, ref)
        if twin is not ref:
            raise CohortError(
                f"two cases have the id {ref.case_id!r}: {twin.source} and {ref.source}. "
                "Ids must be unique: rename one, or make the pattern tell them apart"
            )
    return [first[case_id] for case_id in sorted(first)]


def build_reader(cohort: Mapping[str, Any]) -> Reader:
    """Build the reader that a study's `cohort:` subtree names; `depends_on` is for DVC alone."""
    return build({key: value for key, value in cohort.items() if key != "depends_on"})
