"""Which cases a fold of an arm trains on: seeded choices that are nested, so that arms differ in their amount alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import cycle, islice

import numpy as np

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.errors import ConfigError

DUPLICATED, AUGMENTED = 1, 2
"""Streams of random numbers, so that one choice does not follow from another."""


def training_cases(cohort: PreparedCohort, fold: int) -> list[str]:
    """Ids of the real development cases outside a fold."""
    return [case_id for other, ids in enumerate(cohort.folds) if other != fold for case_id in ids]


def real_subset(cohort: PreparedCohort, fold: int, share: float, seed: int, by_class: bool = False) -> list[str]:
    """A share of a fold's real training cases, whole patients at a time; smaller shares are subsets of larger ones.

    Args:
        cohort: the real cases.
        fold: which trains on the cases of the others.
        share: 0 to 1.
        seed: of the choice.
        by_class: whether the share is taken of each class; a patient belongs to the class of most of their cases.
    """
    candidates = training_cases(cohort, fold)
    if not by_class:
        return _whole_patients(cohort, candidates, share, [seed, fold])
    main_class = cohort.cases.loc[candidates].groupby("patient_id")["label"].agg(lambda labels: labels.mode()[0])
    class_of = cohort.cases.loc[candidates, "patient_id"].map(main_class)
    groups = [candidates_of.index.tolist() for _, candidates_of in class_of.groupby(class_of)]
    chosen = {case_id for group in groups for case_id in _whole_patients(cohort, group, share, [seed, fold])}
    return [case_id for case_id in candidates if case_id in chosen]


def _whole_patients(cohort: PreparedCohort, candidates: list[str], share: float, seed: list[int]) -> list[str]:
    wanted = round(share * len(candidates))
    cases_of = cohort.cases.loc[candidates].groupby("patient_id")["case_id"].agg(list)
    chosen: set[str] = set()
    for patient_id in np.random.default_rng(seed).permutation(sorted(cases_of.index)):
        if len(chosen) >= wanted:
            break
        chosen.update(cases_of[patient_id])
    return [case_id for case_id in candidates if case_id in chosen]


def duplicates(case_ids: Sequence[str], fold: int, wanted: int, seed: int) -> list[str]:
    """The same cases again, each once before any comes twice; smaller numbers are subsets of larger ones."""
    order = np.random.default_rng([seed, fold, DUPLICATED]).permutation(list(case_ids))
    return [str(case_id) for case_id in islice(cycle(order), wanted)]


def oversampled(
    rows: Sequence[Mapping[str, str]], real: Sequence[str], cohort: PreparedCohort, fold: int, seed: int
) -> list[str]:
    """Real cases of the smaller classes again, until each has as many training cases as the largest.

    Args:
        rows: training cases that an arm draws from together, each with its `label`.
        real: the real ones among them; those of a class are repeated in turn.
        cohort: the real cases.
        fold: that the arm's models leave out.
        seed: of the choice.

    Raises:
        ConfigError: when a smaller class has no real case to repeat.
    """
    counts = Counter(row["label"] for row in rows)
    largest = max(counts.values())
    more: list[str] = []
    for label in sorted(counts):
        own = [case_id for case_id in real if cohort.cases.at[case_id, "label"] == label]
        if not own and counts[label] < largest:
            raise ConfigError(
                f"balance: oversampling repeats real cases, and fold {fold} of the arm has none of the class "
                f"{label!r}: raise the arm's real, or balance it by class_weights"
            )
        more += duplicates(own, fold, largest - counts[label], seed)
    return more


def augmented_subset(copy_ids: Sequence[str], fold: int, wanted: int, seed: int) -> list[str]:
    """Altered copies, without replacement; smaller numbers are subsets of larger ones."""
    return [str(i) for i in np.random.default_rng([seed, fold, AUGMENTED]).permutation(list(copy_ids))[:wanted]]


def synthetic_subset(drawn: SyntheticCohort, fold: int, wanted: int, seed: int) -> list[str]:
    """Accepted synthetic cases, without replacement; smaller numbers are subsets of larger ones."""
    return [str(case_id) for case_id in np.random.default_rng([seed, fold]).permutation(drawn.accepted)[:wanted]]
