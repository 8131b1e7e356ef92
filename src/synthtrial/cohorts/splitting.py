"""Dealing patients to the test set and the folds, alike in sites and classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from synthtrial.cohorts.case import CaseRef
from synthtrial.cohorts.dealing import deal
from synthtrial.cohorts.held_out import held_out_patients
from synthtrial.cohorts.surplus import exact_test_cases
from synthtrial.errors import CohortError


def split_cases(
    cases: Sequence[CaseRef],
    *,
    test_fraction: float,
    folds: int,
    seed: int,
    test_cases: Mapping[str, int] | None = None,
    test_surplus: str = "keep",
    positive: str = "",
) -> dict:
    """Split cases by patient into a test set and folds, stratified by site and class.

    Patients are dealt one by one, those with many cases first, each to the part that lacks most: of the patient's
    stratum and over all. Unlike drawing within strata this works for strata of one or two patients, too.

    Args:
        cases: all cases of the cohort.
        test_fraction: part of the cases for the test set, in [0, 1).
        folds: number of folds of the rest.
        seed: of the order in which equal patients are dealt.
        test_cases: class -> number of cases in the test set, in place of `test_fraction`, which must then be 0.
        test_surplus: "keep" takes whole patients, as near to `test_cases` as they allow; "drop" meets `test_cases`, and
            what test patients have beyond them is in no part.
        positive: a class that is dealt first, evenly, so that a minority is spread though its patients have many cases
            of the other class; "" for none.

    Returns:
        `{"seed": int, "test": [case_id, ...], "folds": [[case_id, ...], ...]}`, ids in the order of `cases`. Every case
        is in one part, but for a surplus that is dropped.

    Raises:
        ConfigError: when `test_cases` don't suit the cohort.
        CohortError: when there are fewer patients than parts.
    """
    check_enough_patients(cases, folds, test_fraction or bool(test_cases))
    by_patient: dict[str, list[CaseRef]] = {}
    for case in cases:
        by_patient.setdefault(case.patient_id, []).append(case)
    held_out: set[str] = set()
    if test_cases is not None:
        held_out = _held_out_cases(cases, test_cases, test_surplus, seed)
        patients = {case.patient_id for case in cases if case.case_id in held_out}
        check_enough_patients([case for case in cases if case.patient_id not in patients], folds, 0)
        by_patient = {patient: of_patient for patient, of_patient in by_patient.items() if patient not in patients}
    # Whole cases, so that a test set of 20 % of 18 cases is 4, not 3.
    test = max(1, round(test_fraction * len(cases))) / len(cases) if test_fraction > 0 else 0.0
    shares = [test] + [(1 - test) / folds] * folds
    part_of = deal(by_patient, shares, np.random.default_rng(seed), positive)
    parts: list[list[str]] = [[] for _ in shares]
    for case in cases:
        if case.case_id in held_out:
            parts[0].append(case.case_id)
        elif case.patient_id in part_of:
            parts[part_of[case.patient_id]].append(case.case_id)
    return {"seed": seed, "test": parts[0], "folds": parts[1:]}


def _held_out_cases(cases: Sequence[CaseRef], wanted: Mapping[str, int], surplus: str, seed: int) -> set[str]:
    """Ids of a test set with so many cases of each class, or, with all cases of its patients, nearly so many."""
    if surplus == "drop":
        return {case.case_id for case in exact_test_cases(cases, wanted, seed)}
    patients = held_out_patients(cases, wanted, seed)
    return {case.case_id for case in cases if case.patient_id in patients}


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


def check_enough_patients(cases: Sequence[CaseRef], folds: int, test_fraction: float) -> None:
    """Raise a `CohortError` when there are fewer patients than parts; `test_fraction` is 0 without a test set."""
    patients = len({case.patient_id for case in cases})
    needed = folds + (test_fraction > 0)
    if patients < needed:
        test = "a test set and " if test_fraction > 0 else ""
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
