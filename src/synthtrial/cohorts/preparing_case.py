"""Preparing one case: from the scan as stored to the arrays that training reads."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from synthtrial.cohorts.case import CaseRef, RawCase, Reader
from synthtrial.cohorts.clahe import equalise
from synthtrial.cohorts.cropping import Box, centre_box, extract, foreground_box, grow_or_cut, lesion_box, whole_box
from synthtrial.cohorts.lung_window import keep_lungs
from synthtrial.cohorts.prepared import INT16_SCALE
from synthtrial.cohorts.resampling import resample, resize, to_ras
from synthtrial.cohorts.settings import PrepareSettings
from synthtrial.cohorts.windowing import apply_window, percentile_window
from synthtrial.errors import CohortError

HISTOGRAM_BINS = 128
"""Bins of the intensity histogram over [-1, 1]."""


@dataclass(frozen=True)
class PreparedCase:
    """What is remembered of a case after its arrays are written: small, so that memory does not grow with voxels.

    Attributes:
        ref: the case.
        row: its row of cases.csv.
        original_shape, original_spacing: of the scan in RAS, voxels and mm.
        spacing: of the prepared grid, mm.
        lowest, highest: intensities of the scan, in the cohort's unit.
        histogram: voxels per bin of the prepared image over [-1, 1].
        lesion_ml: volume of each label, ml (cm2 in 2D), by name.
        lesion_kept: part of the lesion that lies inside the prepared grid, 0..1; None without a lesion.
        dropped: the mask is empty and the case was left out.
        image_sha256: of the scan's image, so that equal ones are found.
        warnings: of the reader.
    """

    ref: CaseRef
    row: dict[str, object]
    original_shape: tuple[int, ...]
    original_spacing: tuple[float, ...]
    spacing: tuple[float, ...]
    lowest: float
    highest: float
    histogram: np.ndarray
    lesion_ml: dict[str, float]
    lesion_kept: float | None
    dropped: bool
    image_sha256: str
    warnings: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """What was written of the case, below the cohort's folder; nothing of a dropped one."""
        if self.dropped:
            return ()
        mask = (str(self.row["mask"]), f"reference/{self.ref.case_id}.nii.gz") if self.row["mask"] else ()
        return (str(self.row["image"]), *mask)

    def as_json(self) -> dict[str, Any]:
        """All but the case itself, as plain JSON that loses nothing."""
        return asdict(replace(self, ref=None)) | {"histogram": self.histogram.tolist()}  # type: ignore[arg-type]

    @classmethod
    def from_json(cls, ref: CaseRef, content: dict[str, Any]) -> PreparedCase:
        """Read back what `as_json` made of this case."""
        tuples = {key: tuple(content[key]) for key in ("original_shape", "original_spacing", "spacing", "warnings")}
        return cls(**{**content, **tuples, "ref": ref, "histogram": np.array(content["histogram"])})


def prepare_case(ref: CaseRef, *, reader: Reader, settings: PrepareSettings, folder: Path) -> PreparedCase:
    """Read a case, put it onto the study's grid, write its arrays and its reference mask into `folder`.

    Raises:
        CohortError: when the case can't be read, is constant, or its mask is empty and must not be.
    """
    scan = to_ras(reader.read(ref))
    lesion_ml = _volumes(scan, reader.labels)
    empty = scan.mask is not None and not scan.mask.any()
    if empty and settings.empty_mask == "refuse":
        raise CohortError(
            f"case {ref.case_id}: its mask is empty ({', '.join(map(str, ref.masks)) or ref.source}). "
            "Repair it, or set prepare.empty_mask to drop or keep"
        )
    scan = only_lungs(scan, settings)
    case, low, high = to_study_grid(scan, settings)
    image = to_range(case.image, low, high, settings)
    dropped = empty and settings.empty_mask == "drop"
    if not dropped:
        write_arrays(folder, "", ref.case_id, image, case.mask)
        if scan.mask is not None:
            nibabel.save(nibabel.Nifti1Image(scan.mask, scan.affine), folder / "reference" / f"{ref.case_id}.nii.gz")
    total = sum(lesion_ml.values())
    return PreparedCase(
        ref=ref,
        row=_row(ref, scan, case, low, high, total),
        original_shape=scan.shape,
        original_spacing=scan.spacing,
        spacing=case.spacing,
        lowest=float(scan.image.min()),
        highest=float(scan.image.max()),
        histogram=np.histogram(image, HISTOGRAM_BINS, range=(-1, 1))[0],
        lesion_ml=lesion_ml,
        lesion_kept=min(1.0, sum(_volumes(case, reader.labels).values()) / total) if total else None,
        dropped=dropped,
        image_sha256=hashlib.sha256(np.ascontiguousarray(scan.image).data).hexdigest(),
        warnings=scan.warnings,
    )


def prepared_arrays(ref: CaseRef, *, reader: Reader, settings: PrepareSettings) -> tuple[np.ndarray, np.ndarray | None]:
    """Read a case as `prepare_case` does, and write nothing.

    Returns:
        Image `(C, *shape)` in [-1, 1], float32, and label map `(*shape)`; None where the cohort has no masks.
    """
    case, low, high = to_study_grid(only_lungs(to_ras(reader.read(ref)), settings), settings)
    return to_range(case.image, low, high, settings), case.mask


def only_lungs(scan: RawCase, settings: PrepareSettings) -> RawCase:
    """The scan with all but the lungs at the window's low; as it is where `prepare.lung` is null."""
    if settings.lungs is None:
        return scan
    assert settings.window is not None
    return keep_lungs(scan, settings.lungs, float(settings.window["low"]))


def to_range(image: np.ndarray, low: float, high: float, settings: PrepareSettings) -> np.ndarray:
    """The image in [-1, 1], float32, from its window (low, high); evened out where `prepare.clahe` asks for it."""
    image = apply_window(image, low, high)
    return image if settings.contrast is None else equalise(image, settings.contrast)


def to_study_grid(scan: RawCase, settings: PrepareSettings) -> tuple[RawCase, float, float]:
    """Crop, resample and fit a RAS case to the study's shape.

    The crop is made on the original grid, before resampling: the same voxels for a fraction of the work.

    Returns:
        The case (image still in the cohort's unit) and the (low, high) of its intensity window.
    """
    spacing = settings.spacing_mm or scan.spacing
    box = _crop_box(scan, settings)
    if settings.fit == "pad_crop":
        # One voxel more on each side, so that the edge of the resampled grid has true neighbours.
        needed = np.ceil(np.multiply(np.add(settings.shape, 2), np.divide(spacing, scan.spacing))).astype(int)
        box = grow_or_cut(box, scan.shape, needed)
    case = resample(extract(scan, _within(box, scan)), spacing)
    if settings.fit == "resize":
        case = resize(case, settings.shape)
    low, high = _intensity_window(case, settings)
    if settings.fit == "pad_crop":
        case = extract(case, grow_or_cut(whole_box(case), case.shape, settings.shape), fill=low)
    return case, low, high


def _crop_box(scan: RawCase, settings: PrepareSettings) -> Box:
    """The region of interest on the original grid."""
    if settings.crop == "lesion":
        return lesion_box(scan, settings.margin_mm)
    if settings.crop == "foreground":
        assert settings.foreground_above is not None
        return foreground_box(scan, settings.foreground_above, settings.margin_mm)
    if settings.crop == "centre":
        assert settings.crop_mm is not None
        return centre_box(scan, settings.crop_mm)
    return whole_box(scan)


def _intensity_window(case: RawCase, settings: PrepareSettings) -> tuple[float, float]:
    """The (low, high) intensities that become (-1, 1)."""
    if settings.window is not None:
        return float(settings.window["low"]), float(settings.window["high"])
    assert settings.percentiles is not None
    return percentile_window(case.image, settings.percentiles, case.ref.case_id)


def _within(box: Box, scan: RawCase) -> Box:
    """The part of a box that lies on the grid."""
    start = np.maximum(box[0], 0)
    return start, np.minimum(box[0] + box[1], scan.shape) - start


def _volumes(case: RawCase, labels: list[str]) -> dict[str, float]:
    """Volume of each label, ml (cm2 in 2D)."""
    if case.mask is None:
        return {}
    counts = np.bincount(case.mask.ravel(), minlength=len(labels) + 1)
    voxel_mm = float(np.prod(case.spacing))
    per_unit = 1000 if len(case.shape) == 3 else 100
    return {label: int(count) * voxel_mm / per_unit for label, count in zip(labels, counts[1:], strict=True)}


def write_arrays(folder: Path, under: str, case_id: str, image: np.ndarray, mask: np.ndarray | None) -> dict[str, str]:
    """Write image and mask on the prepared grid; return their paths below `folder`, as `cases.csv` tells them.

    Args:
        folder: of the prepared cohort.
        under: folder in it, ending in a slash; empty for its top.
        case_id: names the files.
        image: float32 `(C, *spatial)` in [-1, 1].
        mask: uint8 label map `(*spatial)`; None where the cohort has none.
    """
    files = {"image": f"{under}images/{case_id}.npy", "mask": ""}
    np.save(folder / files["image"], np.round(image * INT16_SCALE).astype(np.int16))
    if mask is not None:
        files["mask"] = f"{under}masks/{case_id}.npy"
        np.save(folder / files["mask"], np.ascontiguousarray(mask))
    return files


def _row(ref: CaseRef, scan: RawCase, case: RawCase, low: float, high: float, lesion_ml: float) -> dict[str, object]:
    """The case's row of cases.csv."""
    return {
        "case_id": ref.case_id,
        "patient_id": ref.patient_id,
        "site": ref.site,
        "label": ref.label,
        "image": f"images/{ref.case_id}.npy",
        "mask": "" if case.mask is None else f"masks/{ref.case_id}.npy",
        "shape": _times(case.shape),
        "spacing_mm": _times(case.spacing),
        "original_shape": _times(scan.shape),
        "original_spacing_mm": _times(scan.spacing),
        "intensity_low": low,
        "intensity_high": high,
        "lesion_ml": round(lesion_ml, 6),
        "affine": " ".join(repr(float(x)) for x in case.affine.ravel()),
        "source": ref.source,
    }


def _times(values: tuple[float, ...]) -> str:
    """Write sizes as `32x32x32`."""
    return "x".join(f"{value:.6g}" for value in values)
