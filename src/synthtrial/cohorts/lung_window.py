"""Chest CT with nothing but the lungs: everything else is set to the lower end of the intensity window.

The classical threshold segmentation (Hu, Hoffman, Reinhardt 2001, IEEE Trans Med Imaging 20:490): air and lung lie
below a threshold; what touches the image's sides is air about the body; closing takes in vessels and lesions at the
chest wall. Nothing is learned, and the reference masks are not looked at, but to tell how much of a lesion was lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage
from skimage.segmentation import clear_border

from synthtrial.cohorts.case import RawCase
from synthtrial.errors import CohortError, ConfigError

TOLERATED = 0.01
"""Part of a lesion that may lie outside of the lungs without a warning: partial volume at the edge."""


@dataclass(frozen=True, kw_only=True)
class LungSettings:
    """How lungs are found; each key is explained in `conf/prepare/default.yaml`.

    Attributes:
        threshold_hu: intensity below which a voxel is air or lung, HU.
        closing_mm: gaps and dents of the lungs narrower than twice this are filled, mm.
        smallest_ml: smaller parts are no lungs, ml (cm2 in 2D).
    """

    threshold_hu: float = -400.0
    closing_mm: float = 12.0
    smallest_ml: float = 20.0

    def __post_init__(self) -> None:
        if self.closing_mm < 0 or self.smallest_ml < 0:
            raise ConfigError(
                "prepare.lung.closing_mm and smallest_ml can't be negative, "
                f"but are {self.closing_mm:g} and {self.smallest_ml:g}"
            )


def keep_lungs(case: RawCase, settings: LungSettings, low: float) -> RawCase:
    """Set all but the lungs to `low`, HU; the mask stays as it is, and a lesion that is cut gives a warning.

    Args:
        case: CT in HU, RAS, whole: where lungs are cut off by the image's side they look like air about the body.
        settings: how lungs are found.
        low: HU of everything else.

    Raises:
        CohortError: when there are no lungs.
    """
    lungs = find_lungs(case.image[0], case.spacing, settings)
    if not lungs.any():
        raise CohortError(
            f"case {case.ref.case_id}: no lungs of {settings.smallest_ml:g} ml (cm2 in 2D) below "
            f"{settings.threshold_hu:g} HU that don't touch the image's sides: it is no whole chest CT in HU. Set "
            "prepare.lung to null, or leave the case out"
        )
    warnings = case.warnings
    if case.mask is not None and case.mask.any():
        lost = 1 - float(lungs[case.mask > 0].mean())
        if lost > TOLERATED:
            told = f"case {case.ref.case_id}: {100 * lost:.0f} % of its lesion lies outside of what prepare.lung keeps"
            warnings = (*warnings, told)
    return replace(case, image=np.where(lungs, case.image, np.float32(low)), warnings=warnings)


def find_lungs(hu: np.ndarray, spacing: Sequence[float], settings: LungSettings) -> np.ndarray:
    """The lungs with vessels and lesions in them, bool.

    Args:
        hu: `(*spatial)`; in 3D the last axis runs up, and lungs may be cut off at its ends.
        spacing: of the voxels, mm.
        settings: how lungs are found.
    """
    air = hu < settings.threshold_hu
    inside = np.zeros_like(air)
    inside[1:-1, 1:-1] = True  # the ends of z are no side: a scan may begin or end within the lungs
    labels = clear_border(ndimage.label(air)[0], mask=inside)
    per_unit = 1000 if hu.ndim == 3 else 100
    voxels = np.bincount(labels.ravel())
    large = voxels * np.prod(spacing) / per_unit >= settings.smallest_ml
    large[0] = False
    return ndimage.binary_fill_holes(closed(large[labels], spacing, settings.closing_mm))


def closed(region: np.ndarray, spacing: Sequence[float], radius_mm: float) -> np.ndarray:
    """Morphological closing with a ball of `radius_mm`, by distances: exact for any spacing, fast for any radius."""
    if not region.any() or not radius_mm:
        return region
    margin = [int(np.ceil(radius_mm / step)) + 1 for step in spacing]
    padded = np.pad(region, [(width, width) for width in margin])
    grown = ndimage.distance_transform_edt(~padded, sampling=spacing) <= radius_mm
    shrunk = ndimage.distance_transform_edt(grown, sampling=spacing) > radius_mm
    return (shrunk | padded)[tuple(slice(width, -width) for width in margin)]
