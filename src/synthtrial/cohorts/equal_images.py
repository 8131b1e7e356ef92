"""Equal images in a cohort: the same picture under two names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from synthtrial.cohorts.preparing_case import PreparedCase


def equal_images(cases: Sequence[PreparedCase]) -> list[list[PreparedCase]]:
    """Groups of two cases or more whose images are the same, pixel by pixel, as they were read."""
    groups = defaultdict(list)
    for case in cases:
        groups[case.image_sha256].append(case)
    return [group for group in groups.values() if len(group) > 1]


def as_one_patient(cases: Sequence[PreparedCase]) -> list[PreparedCase]:
    """Where patients are unknown, let cases with equal images be of one patient, so that no split parts them."""
    first = {case.ref.case_id: group[0].ref.patient_id for group in equal_images(cases) for case in group}
    result = []
    for case in cases:
        patient = first.get(case.ref.case_id, case.ref.patient_id)
        ref = replace(case.ref, patient_id=patient)
        result.append(replace(case, ref=ref, row={**case.row, "patient_id": patient}))
    return result


def equal_image_warnings(cases: Sequence[PreparedCase]) -> list[str]:
    """What to warn of: equal images of several patients, and of several classes."""
    warnings = []
    for what, value in (("patients", lambda case: case.ref.patient_id), ("classes", lambda case: case.ref.label)):
        groups = [group for group in equal_images(cases) if len({value(case) for case in group}) > 1]
        if groups:
            pair = " and ".join(case.ref.case_id for case in groups[0][:2])
            harm = "splits may part them" if what == "patients" else "one of the two classes is wrong"
            warnings.append(
                f"{len(groups)} image(s) stand more than once in the cohort, under different {what}, the first are "
                f"{pair}: {harm}. Leave out all but one of each"
            )
    return warnings
