"""How large, how many, how round, where and how bright the lesions of each case are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import ndimage

from synthtrial.cohorts.synthetic import voxel_ml
from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.cases import Cases, common_window

KEYS = ("case_id", "patient_id", "label", "contrast_unit")
"""Columns of a lesion table that are no property of a lesion."""

SCALED = "scaled to [-1, 1]"
"""Unit of a contrast where cases differ in their intensity window."""


def lesion_tables(real: Cases, synthetic: Cases, *, shell_mm: float = 5.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The `lesion_table` of each, with contrast in one unit: the cohort's where all cases of each share one window."""
    scaled = any(one_window(cases) is None for cases in (real, synthetic))
    first, second = (lesion_table(cases, shell_mm=shell_mm, scaled=scaled) for cases in (real, synthetic))
    return first, second


def lesion_table(cases: Cases, *, shell_mm: float = 5.0, scaled: bool = False) -> pd.DataFrame:
    """One row per case and label, also where the case has no lesion of that label.

    A row holds, besides `case_id`, `patient_id` and `label`:

    - `volume_ml` (3D) or `area_cm2` (2D): all voxels of the label; 0 without a lesion;
    - `count`: its connected lesions, voxels that touch at a corner being connected; 0 without a lesion;
    - `largest_ml` or `largest_cm2`: the largest of them;
    - `sphericity` (3D) or `circularity` (2D): of the largest, see there;
    - `centre_x`, `centre_y`, `centre_z` (3D: from left to right, back to front, foot to head) or `centre_row`,
      `centre_column` (2D): centre of mass of all voxels, as a share of the field of view;
    - `contrast`, or `contrast_1`, `contrast_2`, ... with several channels: mean inside minus mean around, in
      `contrast_unit`, see `contrast`.

    All but volume and count are NaN without a lesion, and contrast is also where nothing but other lesions is around.

    Args:
        cases: the cases, read one at a time.
        shell_mm: how far around a lesion its surroundings reach, mm.
        scaled: tell contrasts in units of images scaled to [-1, 1], not in the cohort's. Needed where cases differ in
            their window.

    Raises:
        SynthtrialError: for cases without labels, or with several windows and not `scaled`.
    """
    source = cases.source
    if not source.labels:
        raise SynthtrialError("these cases have no mask labels, so there are no lesions to compare")
    window = (-1.0, 1.0) if scaled else one_window(cases)
    if window is None:
        raise SynthtrialError("the cases differ in their intensity window: ask for lesion_table(cases, scaled=True)")
    rows = []
    for case_id, patient in zip(cases.case_ids, cases.patients, strict=True):
        image = np.asarray(source.image(case_id), np.float64) * ((window[1] - window[0]) / 2)
        mask = np.asarray(source.mask(case_id))
        for value, label in enumerate(source.labels, start=1):
            keys = {"case_id": case_id, "patient_id": patient, "label": label}
            properties = lesion_properties(image, mask, value, source.spacing_mm, shell_mm)
            rows.append({**keys, **properties, "contrast_unit": SCALED if scaled else source.unit})
    return pd.DataFrame(rows)


def one_window(cases: Cases) -> tuple[float, float] | None:
    """The intensity window of all cases, in their unit; None where they differ."""
    window, unit = common_window(cases)
    return window if unit == cases.source.unit else None


def lesion_properties(
    image: np.ndarray, mask: np.ndarray, value: int, spacing_mm: Sequence[float], shell_mm: float
) -> dict[str, float]:
    """The properties of all lesions of one label in one case, as `lesion_table` tells them.

    Args:
        image: `(C, *spatial)`.
        mask: label map `(*spatial)`.
        value: the label's number in it.
        spacing_mm: voxel size, mm, per axis.
        shell_mm: thickness of the shell that counts as surroundings, mm.
    """
    three = mask.ndim == 3
    size, unit, roundness = ("volume", "ml", "sphericity") if three else ("area", "cm2", "circularity")
    region = mask == value
    parts, count = ndimage.label(region, np.ones((3,) * mask.ndim))
    sizes = np.bincount(parts.ravel())[1:]
    found = {
        f"{size}_{unit}": region.sum() * voxel_ml(spacing_mm),
        "count": float(count),
        f"largest_{unit}": np.nan,
        roundness: np.nan,
        **dict.fromkeys(("centre_x", "centre_y", "centre_z") if three else ("centre_row", "centre_column"), np.nan),
        **dict.fromkeys(["contrast"] if len(image) == 1 else [f"contrast_{c + 1}" for c in range(len(image))], np.nan),
    }
    if count:
        largest = parts == sizes.argmax() + 1
        centre = (np.argwhere(region).mean(axis=0) + 0.5) / mask.shape
        measured = [
            sizes.max() * voxel_ml(spacing_mm),
            (sphericity if three else circularity)(largest, spacing_mm),
            *centre,
            *contrast(image, mask, value, spacing_mm, shell_mm),
        ]
        found.update(zip([*found][2:], map(float, measured), strict=True))
    return found


def sphericity(region: np.ndarray, spacing_mm: Sequence[float]) -> float:
    r"""How close to a sphere a 3D region `(x, y, z)` is: 1 for a sphere, less for anything else.

    .. math:: (36 \pi V^2)^{1/3} / A

    with volume V and surface A of the mesh that marching cubes lays through the outer voxels, at half their value
    (IBSI, feature QCFX; Zwanenburg et al. 2020). The mesh of a digital ball has facets, and reaches about 0.92.
    """
    from skimage.measure import marching_cubes

    vertices, faces, _, _ = marching_cubes(_boxed(region).astype(np.float32), 0.5, spacing=tuple(spacing_mm))
    a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
    surface = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2
    volume = abs(np.einsum("ij,ij->i", a, np.cross(b, c)).sum()) / 6
    return float(np.cbrt(36 * np.pi * volume**2) / surface)


def circularity(region: np.ndarray, spacing_mm: Sequence[float]) -> float:
    r"""How close to a disc a 2D region is: :math:`4 \pi A / P^2`, which is 1 for a disc and less for anything else.

    Area A and perimeter P are those of the outline that marching squares draws at half the region's value, the plane
    counterpart of the mesh in `sphericity`; holes lessen the area and add to the perimeter.
    """
    from skimage.measure import find_contours

    area = perimeter = 0.0
    for outline in find_contours(_boxed(region).astype(np.float64), 0.5):
        corners = outline * np.asarray(spacing_mm)
        x, y = corners[:-1].T
        next_x, next_y = corners[1:].T
        area += float((x * next_y - next_x * y).sum()) / 2
        perimeter += float(np.hypot(next_x - x, next_y - y).sum())
    return 4 * np.pi * abs(area) / perimeter**2


def contrast(
    image: np.ndarray, mask: np.ndarray, value: int, spacing_mm: Sequence[float], shell_mm: float
) -> np.ndarray:
    """Mean inside a label minus mean in the shell around it, for each channel `(C,)`, in the image's unit.

    The shell holds all voxels without any label whose centre is at most `shell_mm` from that of a voxel inside, and at
    least the next neighbour along each axis, where voxels are larger than the shell is thick. NaN for an empty shell.
    """
    thickness = max(shell_mm, *spacing_mm)
    margin = [int(np.ceil(thickness / edge)) for edge in spacing_mm]
    inside = np.argwhere(mask == value)
    low, high = np.maximum(inside.min(axis=0) - margin, 0), inside.max(axis=0) + margin + 1
    box = tuple(slice(start, stop) for start, stop in zip(low, high, strict=True))
    region = mask[box] == value
    distance = ndimage.distance_transform_edt(~region, sampling=spacing_mm)
    shell = (mask[box] == 0) & (distance <= thickness * (1 + 1e-9))
    if not shell.any():
        return np.full(len(image), np.nan)
    part = image[(slice(None), *box)]
    return part[:, region].mean(axis=1) - part[:, shell].mean(axis=1)


def _boxed(region: np.ndarray) -> np.ndarray:
    """The region's bounding box, with a margin of one empty voxel, which closes the surface."""
    found = ndimage.find_objects(region.astype(np.uint8))[0]
    return np.pad(region[found], 1)
