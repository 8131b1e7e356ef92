"""A test set of exactly so many cases of each class: what its patients have beyond that is left out of the cohort."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from synthtrial.cohorts.case import CaseRef
from synthtrial.cohorts.class_limit import limited
from synthtrial.cohorts.held_out import check_counts, mixed_patients
from synthtrial.cohorts.preparing_case import PreparedCase


def exact_test_cases(cases: Sequence[CaseRef], wanted: Mapping[str, int], seed: int) -> list[CaseRef]:
    """Choose exactly `wanted` test cases of each class.

    Patients come in random order, the sites and classes mixed evenly. Each is taken who has a case of a class that is
    still lacking, however many more there are, so that patients with few cases are not preferred. Of the cases of those
    taken, as many patients as can be give one, then a second one, as in `limited`. A patient of whom no case is chosen
    is no test patient. All other cases of test patients are surplus: they must be in no part of the cohort.

    Args:
        cases: all cases of the cohort.
        wanted: class -> number of its test cases.
        seed: of the order and the choice.

    Raises:
        ConfigError: when the counts don't name the cohort's classes, or take all cases of one.
    """
    check_counts(cases, wanted)
    by_patient: dict[str, list[CaseRef]] = {}
    for case in cases:
        by_patient.setdefault(case.patient_id, []).append(case)
    lacking = Counter(dict(wanted))
    taken: list[CaseRef] = []
    for patient in mixed_patients(cases, np.random.default_rng(seed)):
        if any(lacking[case.label] > 0 for case in by_patient[patient]):
            taken += by_patient[patient]
            lacking.subtract(case.label for case in by_patient[patient])
    return limited(taken, wanted, seed)


def in_no_part(cases: Sequence[CaseRef], splits: Mapping[str, Any]) -> list[CaseRef]:
    """The cases that are neither test cases nor in a fold."""
    in_parts = {case_id for part in (splits["test"], *splits["folds"]) for case_id in part}
    return [case for case in cases if case.case_id not in in_parts]


def leave_out(folder: Path, prepared: Sequence[PreparedCase], surplus: Sequence[CaseRef]) -> list[PreparedCase]:
    """Remove the files of some cases from a prepared cohort that is being written; return the other cases."""
    case_ids = {case.case_id for case in surplus}
    for case in prepared:
        if case.ref.case_id in case_ids:
            for name in case.files:
                (folder / name).unlink(missing_ok=True)  # the same case may be in several lists
    return [case for case in prepared if case.ref.case_id not in case_ids]


def surplus_warning(surplus: Sequence[CaseRef]) -> str:
    """What to warn of: the cases that were left out."""
    counts = Counter(case.label for case in surplus)
    told = ", ".join(f"{count} {label}" for label, count in sorted(counts.items()))
    patients = len({case.patient_id for case in surplus})
    return (
        f"{len(surplus)} surplus case(s) of {patients} test patient(s) are in no part of the cohort ({told}): "
        "prepare.test_cases asks for fewer, and test patients are never trained on. profile.json lists them as "
        "surplus_test_cases"
    )
