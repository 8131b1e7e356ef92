"""Dealing patients to the test set and the folds, alike in sites and classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from synthtrial.cohorts.case import CaseRef
from synthtrial.errors import CohortError


def split_cases(cases: Sequence[CaseRef], *, test_fraction: float, folds: int, seed: int) -> dict:
    """Split cases by patient into a test set and folds, stratified by site and class.

    Patients are dealt one by one, those with many cases first, each to the part that lacks most: of the patient's
    stratum and over all. Unlike drawing within strata this works for strata of one or two patients, too.

    Args:
        cases: all cases of the cohort.
        test_fraction: part of the cases for the test set, in [0, 1).
        folds: number of folds of the rest.
        seed: of the order in which equal patients are dealt.

    Returns:
        `{"seed": int, "test": [case_id, ...], "folds": [[case_id, ...], ...]}`, ids in the order of `cases`.

    Raises:
        CohortError: when there are fewer patients than parts.
    """
    check_enough_patients(cases, folds, test_fraction)
    by_patient: dict[str, list[CaseRef]] = {}
    for case in cases:
        by_patient.setdefault(case.patient_id, []).append(case)
    # Whole cases, so that a test set of 20 % of 18 cases is 4, not 3.
    test = max(1, round(test_fraction * len(cases))) / len(cases) if test_fraction > 0 else 0.0
    shares = [test] + [(1 - test) / folds] * folds
    part_of = _deal(by_patient, shares, np.random.default_rng(seed))
    parts: list[list[str]] = [[] for _ in shares]
    for case in cases:
        parts[part_of[case.patient_id]].append(case.case_id)
    return {"seed": seed, "test": parts[0], "folds": parts[1:]}


def split_by_site(cases: Sequence[CaseRef], *, folds: int, seed: int) -> dict:
    """Make each site a fold, in the order of their names, with no test set: every site is judged when it is left out.

    Args:
        cases: all cases of the cohort.
        folds: number of folds, which must be that of the sites.
        seed: kept beside the splits, as `split_cases` does; nothing here is drawn.

    Returns:
        As `split_cases` does.

    Raises:
        CohortError: for another number of sites, or a patient with cases of several.
    """
    check_sites(cases, folds)
    sites = sorted({case.site for case in cases})
    return {
        "seed": seed,
        "test": [],
        "folds": [[case.case_id for case in cases if case.site == site] for site in sites],
    }


def _deal(by_patient: dict[str, list[CaseRef]], shares: list[float], rng: np.random.Generator) -> dict[str, int]:
    """Return patient id -> index of its part."""
    stratum = {patient: _stratum(cases) for patient, cases in by_patient.items()}
    patients = sorted(by_patient)
    rng.shuffle(patients)
    patients.sort(key=lambda patient: -len(by_patient[patient]))
    total = sum(map(len, by_patient.values()))
    size: Counter[tuple[str, str]] = Counter()
    for patient, cases in by_patient.items():
        size[stratum[patient]] += len(cases)

    lacking = total * np.array(shares)
    lacking_of = {name: count * np.array(shares) for name, count in size.items()}
    parts = [part for part, share in enumerate(shares) if share > 0]
    part_of: dict[str, int] = {}
    for patient in patients:
        need = lacking + lacking_of[stratum[patient]]
        empty = [part for part in parts if part not in part_of.values()]
        patients_left = len(patients) - len(part_of)
        part = max(empty if patients_left <= len(empty) else parts, key=lambda part: need[part])
        part_of[patient] = part
        lacking[part] -= len(by_patient[patient])
        lacking_of[stratum[patient]][part] -= len(by_patient[patient])
    return part_of


def _stratum(cases: list[CaseRef]) -> tuple[str, str]:
    """Site and most frequent class of one patient."""
    label = Counter(case.label for case in cases).most_common(1)[0][0]
    return cases[0].site, label


def check_enough_patients(cases: Sequence[CaseRef], folds: int, test_fraction: float) -> None:
    """Raise a `CohortError` when there are fewer patients than parts."""
    patients = len({case.patient_id for case in cases})
    needed = folds + (test_fraction > 0)
    if patients < needed:
        test = f"a test set of {test_fraction:.0%} and " if test_fraction > 0 else ""
        raise CohortError(
            f"{patients} patient(s) can't be split into {test}{folds} folds: at least {needed} are needed, "
            "because all cases of a patient stay together. Lower prepare.folds or add patients"
        )


def check_sites(cases: Sequence[CaseRef], folds: int) -> None:
    """Raise a `CohortError` unless there is a fold for each site, and each patient belongs to one."""
    sites = sorted({case.site for case in cases})
    if len(sites) < 2:
        raise CohortError(
            f"prepare.split_by is site, but all {len(cases)} cases are of one site ({sites[0] or 'without a name'}): "
            "tell the sites of the cases in the cohort's settings, or set prepare.split_by=patient and a test_fraction"
        )
    if len(sites) != folds:
        raise CohortError(
            f"prepare.folds is {folds}, but the cohort has {len(sites)} sites ({', '.join(sites)}), and with "
            f"prepare.split_by=site each is a fold: set prepare.folds={len(sites)}"
        )
    site_of: dict[str, str] = {}
    for case in cases:
        if site_of.setdefault(case.patient_id, case.site) != case.site:
            raise CohortError(
                f"patient {case.patient_id} has cases of the sites {site_of[case.patient_id]} and {case.site} (case "
                f"{case.case_id}): split by site, the patient would be in two folds. Leave out one, or correct the site"
            )
