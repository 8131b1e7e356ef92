"""The cohort report in numbers: what `profile.json` says of the raw cohort and of its preparation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from synthtrial.cohorts.case import CaseRef
from synthtrial.cohorts.class_profile import class_profile
from synthtrial.cohorts.equal_images import equal_images
from synthtrial.cohorts.preparing_case import PreparedCase
from synthtrial.cohorts.spread import spread

CUT_BELOW = 0.9
"""A lesion counts as cut when less than this part of it lies in the prepared grid (resampling alone loses some)."""


def cohort_profile(
    facts: dict[str, Any],
    cases: Sequence[PreparedCase],
    parts: dict[str, Any],
    warnings: Sequence[str],
    surplus: Sequence[CaseRef] = (),
) -> dict[str, Any]:
    """Summarise a cohort, overall and per site.

    Args:
        facts: content of `cohort.json`.
        cases: all cases, dropped ones too.
        parts: cases, patients and classes of the test set and of each fold.
        warnings: of the cohort as a whole.
        surplus: cases of test patients that are in no part of the cohort; not among `cases`.

    Returns:
        `{"name", "unit", "volume_unit", "patients_known", "overall": {...}, "sites": {site: {...}}, "equal_images":
        [[case_id, ...], ...], "parts": {...}, "surplus_test_cases": [case_id, ...], "classes",
        "patients_of_several_classes", "size_alone", "warnings": [...]}`; the blocks as in `_summary` and
        `class_profile`.
    """
    sites = sorted({case.ref.site for case in cases})
    kept = [case for case in cases if not case.dropped]
    return {
        "name": facts["name"],
        "unit": facts["unit"],
        "volume_unit": "ml" if facts["spatial_dims"] == 3 else "cm2",
        "patients_known": facts["patients_known"],
        "overall": _summary(cases),
        "sites": {site: _summary([case for case in cases if case.ref.site == site]) for site in sites},
        "equal_images": [[case.ref.case_id for case in group] for group in equal_images(kept)],
        "parts": parts,
        "surplus_test_cases": [case.case_id for case in surplus],
        **class_profile(kept, bool(facts["labels"])),
        "warnings": [*warnings, *(warning for case in cases for warning in case.warnings)],
    }


def _summary(cases: Sequence[PreparedCase]) -> dict[str, Any]:
    """Counts, geometry, intensities and lesions of some cases; of dropped cases only the count."""
    kept = [case for case in cases if not case.dropped]
    summary: dict[str, Any] = {
        "cases": len(kept),
        "patients": len({case.ref.patient_id for case in kept}),
        "classes": dict(sorted(Counter(case.ref.label for case in kept if case.ref.label).items())),
        "empty_masks": sum(case.lesion_ml != {} and not any(case.lesion_ml.values()) for case in cases),
        "dropped_for_empty_mask": len(cases) - len(kept),
        "lesions_cut_by_the_crop": sum(case.lesion_kept is not None and case.lesion_kept < CUT_BELOW for case in kept),
    }
    if not kept:
        return summary
    shapes = np.array([case.original_shape for case in kept])
    spacings = np.array([case.original_spacing for case in kept])
    summary["shape"] = [spread(shapes[:, axis]) for axis in range(shapes.shape[1])]
    summary["spacing_mm"] = [spread(spacings[:, axis]) for axis in range(spacings.shape[1])]
    if shapes.shape[1] == 3:
        summary["slices"] = spread(shapes[:, 2])
    summary["lowest_intensity"] = _extremes([case.lowest for case in kept])
    summary["highest_intensity"] = _extremes([case.highest for case in kept])
    summary["lesion_volume"] = {
        label: spread([case.lesion_ml[label] for case in kept]) for label in (kept[0].lesion_ml or {})
    }
    summary["histogram"] = {
        "range": [-1, 1],
        "counts": np.sum([case.histogram for case in kept], axis=0).astype(int).tolist(),
    }
    return summary


def _extremes(values: Sequence[float]) -> dict[str, Any]:
    """Spread of one extreme over cases, and its five most frequent values as [value, number of cases]."""
    rounded = Counter(round(value, 3) for value in values)
    frequent = sorted(rounded.items(), key=lambda item: (-item[1], item[0]))[:5]
    return {**spread(values), "most_frequent": [[value, count] for value, count in frequent]}
