"""Which cases a fold of an arm trains on: seeded choices that are nested, so that arms differ in their amount alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice

import numpy as np

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort

DUPLICATED, AUGMENTED = 1, 2
"""Streams of random numbers, so that one choice does not follow from another."""


def training_cases(cohort: PreparedCohort, fold: int) -> list[str]:
    """Ids of the real development cases outside a fold."""
    return [case_id for other, ids in enumerate(cohort.folds) if other != fold for case_id in ids]


def real_subset(cohort: PreparedCohort, fold: int, share: float, seed: int) -> list[str]:
    """A share of a fold's real training cases, whole patients at a time; smaller shares are subsets of larger ones."""
    candidates = training_cases(cohort, fold)
    wanted = round(share * len(candidates))
    cases_of = cohort.cases.loc[candidates].groupby("patient_id")["case_id"].agg(list)
    chosen: set[str] = set()
    for patient_id in np.random.default_rng([seed, fold]).permutation(sorted(cases_of.index)):
        if len(chosen) >= wanted:
            break
        chosen.update(cases_of[patient_id])
    return [case_id for case_id in candidates if case_id in chosen]


def duplicates(case_ids: Sequence[str], fold: int, wanted: int, seed: int) -> list[str]:
    """The same cases again, each once before any comes twice; smaller numbers are subsets of larger ones."""
    order = np.random.default_rng([seed, fold, DUPLICATED]).permutation(list(case_ids))
    return [str(case_id) for case_id in islice(cycle(order), wanted)]


def augmented_subset(copy_ids: Sequence[str], fold: int, wanted: int, seed: int) -> list[str]:
    """Altered copies, without replacement; smaller numbers are subsets of larger ones."""
    return [str(i) for i in np.random.default_rng([seed, fold, AUGMENTED]).permutation(list(copy_ids))[:wanted]]


def synthetic_subset(drawn: SyntheticCohort, fold: int, wanted: int, seed: int) -> list[str]:
    """Accepted synthetic cases, without replacement; smaller numbers are subsets of larger ones."""
    return [str(case_id) for case_id in np.random.default_rng([seed, fold]).permutation(drawn.accepted)[:wanted]]
