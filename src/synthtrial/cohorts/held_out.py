"""A test set with so many cases of each class, of whole patients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from synthtrial.cohorts.case import CaseRef
from synthtrial.errors import CohortError, ConfigError


def held_out_patients(cases: Sequence[CaseRef], wanted: Mapping[str, int], seed: int) -> set[str]:
    """Choose the patients of a test set whose class counts are as near to `wanted` as whole patients allow.

    Patients come in random order, the sites and classes mixed evenly, and each is taken who fits in. In the end, while
    that brings the counts nearer, one more is taken, given back, or exchanged.

    Args:
        cases: all cases of the cohort.
        wanted: class -> number of its cases in the test set.
        seed: of the order.

    Returns:
        Patient ids.

    Raises:
        ConfigError: when the counts don't name the cohort's classes, or take all cases of one.
    """
    check_counts(cases, wanted)
    by_patient: dict[str, Counter[str]] = {}
    for case in cases:
        by_patient.setdefault(case.patient_id, Counter())[case.label] += 1
    counts = {patient: np.array([found[label] for label in wanted]) for patient, found in by_patient.items()}
    missing = np.array(list(wanted.values()))
    taken: dict[str, None] = {}  # in the order in which they were taken
    order = mixed_patients(cases, np.random.default_rng(seed))
    for patient in order:
        if (counts[patient] <= missing).all():
            taken[patient] = None
            missing -= counts[patient]
    while move := _best_move(taken, [patient for patient in order if patient not in taken], counts, missing):
        back, more = move
        for patient, sign in ((back, 1), (more, -1)):
            missing += sign * counts.get(patient, 0)
        taken.pop(back, None)
        taken |= {more: None} if more else {}
    return set(taken)


def _best_move(
    taken: Iterable[str], left: Iterable[str], counts: Mapping[str, np.ndarray], missing: np.ndarray
) -> tuple[str, str] | None:
    """Whom to give back and whom to take ("": nobody) so that the counts come nearest; None when nothing helps.

    Patients with equal counts are equally good, so one of each kind is looked at: the last taken, and the first left.
    """
    back = {(): "", **{tuple(counts[patient]): patient for patient in taken}}
    more = {(): "", **{tuple(counts[patient]): patient for patient in reversed(list(left))}}
    best, nearest = None, int(np.abs(missing).sum())
    for old in back.values():
        for new in more.values():
            distance = int(np.abs(missing + counts.get(old, 0) - counts.get(new, 0)).sum())
            if distance < nearest:
                best, nearest = (old, new), distance
    return best


def check_counts(cases: Sequence[CaseRef], wanted: Mapping[str, int]) -> None:
    """Raise a `ConfigError` unless each class is named, and has cases left for training."""
    sizes = Counter(case.label for case in cases)
    if set(sizes) != set(wanted):
        classes = ", ".join(label or "none" for label in sorted(sizes))
        raise ConfigError(
            f"prepare.test_cases names {', '.join(wanted)}, but the cohort's classes are {classes}: name each, or set "
            "prepare.test_cases=null and a prepare.test_fraction"
        )
    for label, count in wanted.items():
        if count >= sizes[label]:
            raise ConfigError(
                f"prepare.test_cases.{label} is {count}, but the cohort has {sizes[label]} cases of it: some must be "
                "left to train on"
            )


def check_test_counts(cases: Sequence[CaseRef], test: Sequence[str], wanted: Mapping[str, int]) -> list[str]:
    """What to warn of: counts of a test set that are not those wanted.

    Raises:
        CohortError: when the test set has none of a class.
    """
    members = set(test)
    found = Counter(case.label for case in cases if case.case_id in members)
    if lacking := [label for label in wanted if not found[label]]:
        raise CohortError(
            f"prepare.test_cases: no patient fits for {wanted[lacking[0]]} test cases of the class {lacking[0]}, "
            "because all cases of a patient stay together: ask for more of them, or set prepare.test_surplus=drop"
        )
    if found == Counter(dict(wanted)):
        return []
    told = [f"{found[label]} {label} (of {count} asked for)" for label, count in wanted.items()]
    return [
        f"the test set has {', '.join(told)}: whole patients allow nothing nearer that was found. "
        "prepare.test_surplus=drop meets the numbers, and leaves out what test patients have beyond them"
    ]


def mixed_patients(cases: Sequence[CaseRef], rng: np.random.Generator) -> list[str]:
    """The patients in random order, those of each site and class spread evenly over it."""
    groups: dict[tuple[str, ...], list[str]] = {}
    labels: dict[str, set[str]] = {}
    sites: dict[str, str] = {}
    for case in cases:
        labels.setdefault(case.patient_id, set()).add(case.label)
        sites.setdefault(case.patient_id, case.site)
    for patient in sorted(labels):
        groups.setdefault((sites[patient], *sorted(labels[patient])), []).append(patient)
    place: dict[str, float] = {}
    for group in groups.values():
        rng.shuffle(group)
        place |= {patient: (k + rng.random()) / len(group) for k, patient in enumerate(group)}
    return sorted(place, key=lambda patient: place[patient])
