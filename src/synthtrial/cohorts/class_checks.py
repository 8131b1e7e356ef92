"""Can a cohort be classified: two classes, each in every part of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from synthtrial.cohorts.case import CaseRef
from synthtrial.errors import CohortError, ConfigError


def check_two_classes(cases: Sequence[CaseRef], positive: str, folds: int, test: bool = True) -> None:
    """Refuse what can't be split for a classification, before any case is read.

    Args:
        cases: of the cohort.
        positive: the positive class, as `protocol.positive` names it.
        folds: number of folds.
        test: whether there is a test set beside them.

    Raises:
        ConfigError: when no class is called so.
        CohortError: when there are not two classes, or one has fewer patients than there are parts.
    """
    patients: dict[str, set[str]] = {}
    for case in cases:
        patients.setdefault(case.label, set()).add(case.patient_id)
    classes = sorted(patients)
    told = ", ".join(f"{label or 'none'} ({len(patients[label])} patients)" for label in classes)
    if len(classes) != 2 or "" in classes:
        raise CohortError(
            f"a classification needs a cohort of two classes, but this one has {len(classes)}: {told}. "
            + (
                "Tell the class of each case by the cohort's settings"
                if len(classes) < 2 or "" in classes
                else "Keep two by cohort.keep, such as [benign, malignant], or join or leave out (null) some by "
                "cohort.classes, whichever the cohort has"
            )
        )
    if positive not in classes:
        raise ConfigError(f"protocol.positive: the cohort has no class {positive!r}; its classes are {told}")
    for label in classes:
        possible = len(patients[label]) - test
        if possible < folds:
            lower = f"lower prepare.folds to {possible}, or " if possible >= 2 else ""
            raise CohortError(
                f"the class {label} has {len(patients[label])} patient(s), but each of {folds} folds"
                f"{' and the test set' if test else ''} needs one: {lower}add cases"
            )


def check_parts(cases: Sequence[CaseRef], splits: Mapping[str, Any]) -> None:
    """Raise a `CohortError` unless the test set, where there is one, and each fold hold all classes."""
    classes = sorted({case.label for case in cases})
    by_site = not splits["test"]
    for name, count in counts_of_parts(cases, splits).items():
        missing = [label for label in classes if not count["classes"].get(label)]
        if missing and count["cases"]:
            raise CohortError(
                f"{name} has no case of the class {missing[0]}, so no classifier can be judged on it: "
                + (
                    "each fold is a site. Leave this site out, or set prepare.split_by=patient"
                    if by_site
                    else "all cases of a patient stay together, and too few patients have this class. Lower "
                    "prepare.folds or the class's prepare.test_cases, or take another study.seed"
                )
            )


def counts_of_parts(cases: Sequence[CaseRef], splits: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Cases, patients and cases of each class, by part: `test`, `fold0` and so on."""
    by_id = {case.case_id: case for case in cases}
    parts = {"test": splits["test"], **{f"fold{k}": fold for k, fold in enumerate(splits["folds"])}}
    counts = {}
    for name, ids in parts.items():
        members = [by_id[case_id] for case_id in ids]
        counts[name] = {
            "cases": len(members),
            "patients": len({case.patient_id for case in members}),
            "classes": dict(sorted(Counter(case.label for case in members if case.label).items())),
        }
    return counts
