"""Cases with classes, for the tests of limits, splits and checks."""

from __future__ import annotations

import numpy as np

from synthtrial.cohorts.case import CaseRef


def case(case_id: str, patient: str, label: str, site: str = "one") -> CaseRef:
    """A case without files."""
    return CaseRef(case_id, patient, site, label, None, (), case_id)


def cases_of(counts: dict[str, str]) -> list[CaseRef]:
    """Cases by patient: a letter per case, its class, such as `{"p1": "bbm"}`."""
    return [case(f"{patient}_{k}", patient, label) for patient, word in counts.items() for k, label in enumerate(word)]


def lesions(seed: int = 0, patients: int = 300, malignant: int = 60, each: int = 12) -> list[CaseRef]:
    """Patients with many benign cases, of whom few have malignant ones, too, as in ISIC 2024."""
    rng = np.random.default_rng(seed)
    counts = {f"p{k:03d}": "b" * (1 + rng.poisson(each)) for k in range(patients)}
    for k in rng.integers(0, patients // 4, malignant):
        counts[f"p{k:03d}"] += "m"
    return cases_of(counts)
