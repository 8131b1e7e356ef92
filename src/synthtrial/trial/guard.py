"""The guard: nothing that is judged on may have been seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import CohortError, ConfigError, LeakError
from synthtrial.trial.protocol import Protocol, protocol_of

SHOWN = 5


def check_cohort(cohort: PreparedCohort, protocol: Protocol) -> None:
    """Refuse a cohort that no model can be fairly judged on, before anything is trained.

    Args:
        cohort: the prepared cohort.
        protocol: says which cases are judged.

    Raises:
        LeakError: when a patient is in two folds, or in a fold and the test set.
        CohortError: when there is no case to judge on, or none of them has a lesion.
    """
    _check_parts(cohort)
    for fold in range(len(cohort.folds)):
        judged = protocol.judged(cohort, fold)
        part = f"fold {fold}" if protocol.judged_on_folds else "the test set"
        if not judged:
            raise CohortError(f"{cohort.folder}: {part} is empty, so there is nothing to judge on: prepare it again")
        if cohort.labels and not cohort.cases.loc[judged, "lesion_ml"].any():
            raise CohortError(
                f"{cohort.folder}: no reference mask of {part} has a lesion ({len(judged)} cases, such as "
                f"{judged[0]}), so no overlap can be measured there. Leave cases without lesions out "
                "(prepare.empty_mask=drop), or set another study.seed"
            )


def check_classes(cohort: PreparedCohort, protocol: Protocol, positive: str) -> None:
    """Refuse a cohort whose classes can't be told apart, or not be judged, before anything is trained.

    Args:
        cohort: the prepared cohort.
        protocol: says which cases are judged.
        positive: the class that counts as positive.

    Raises:
        ConfigError: when no case is of the positive class.
        CohortError: when there are not two classes, or a part that is judged or validated on lacks one, or has one
            patient alone of it.
    """
    classes = class_names(cohort, positive)
    for fold, left_out in enumerate(cohort.folds):
        judged = protocol.judged(cohort, fold)
        parts = {f"fold {fold}": (left_out, 1)}
        parts["fold " + str(fold) if protocol.judged_on_folds else "the test set"] = (judged, 2)
        for part, (case_ids, least) in parts.items():
            of_class = cohort.cases.loc[case_ids].groupby("label")["patient_id"].nunique()
            for name in classes:
                if of_class.get(name, 0) < least:
                    raise CohortError(
                        f"{cohort.folder}: {part} has {of_class.get(name, 0)} patient(s) of the class {name!r}, and "
                        f"at least {least} are needed to judge it: lower prepare.folds, raise prepare.test_fraction, "
                        "add patients, or set another study.seed"
                    )


def class_names(cohort: PreparedCohort, positive: str) -> tuple[str, str]:
    """The two classes of a cohort, the negative one first.

    Raises:
        CohortError: when there are not two.
        ConfigError: when the positive one is none of them.
    """
    found = sorted(set(cohort.cases["label"]))
    if len(found) != 2 or "" in found:
        named = ", ".join(repr(name) if name else "none (cases without a class)" for name in found)
        raise CohortError(
            f"{cohort.folder / 'cases.csv'}: a classifier needs cases of two classes, but those found are: {named}. "
            "Choose two in the cohort's settings (cohort.keep or cohort.classes), and prepare again"
        )
    if positive not in found:
        raise ConfigError(f"protocol.positive is {positive!r}, but the classes of the cohort are {' and '.join(found)}")
    (negative,) = (name for name in found if name != positive)
    return negative, positive


def check_start(config: Mapping[str, Any], cohort: PreparedCohort, protocol: Protocol, split: str) -> None:
    """Refuse to start a generator from weights that have seen a case, or its patient, that it may not have seen.

    Args:
        config: the generator's configuration, with its `start_from`.
        cohort: the prepared cohort.
        protocol: says which cases the generator of a split may not have seen.
        split: that it is trained on.

    Raises:
        LeakError: naming the first cases, or patients, that were seen, and how many there are.
    """
    if not config.get("start_from"):
        return
    from synthtrial.gans.transfer import read_origin

    origin = read_origin(Path(config["start_from"]))
    where = f"start_from {config['start_from']}"
    check_generator(cohort, protocol.unseen_by(cohort, split), [origin], protocol.name, where)


def check_generator(
    cohort: PreparedCohort, unseen: Sequence[str], provenance: Iterable[Mapping[str, Any]], protocol: str, where: str
) -> None:
    """Refuse a generator that has seen a case, or its patient, that it may not have seen.

    Args:
        cohort: the prepared cohort.
        unseen: ids of these cases.
        provenance: what tells the cases that it has seen: contents of `model.json` and `synthetic.json`. Those of the
            model that it started from count, too.
        protocol: its name, for the message.
        where: what is being checked, for the message.

    Raises:
        LeakError: naming the first cases, or patients, that were seen, and how many there are.
    """
    cases: list[str] = []
    patients: list[str] = []
    for facts in provenance:
        earlier = facts.get("start_from") or {"seen_cases": [], "seen_patients": []}
        cases += [*facts["seen_cases"], *earlier["seen_cases"]]
        patients += [*facts["seen_patients"], *earlier["seen_patients"]]
    check(unseen, cohort.patients(unseen), cases, patients, protocol, where)


def check_seen(
    cohort: PreparedCohort, judged: Sequence[str], seen: Sequence[str], protocol: str, where: str = ""
) -> None:
    """`check` of cases of one cohort, which knows their patients."""
    check(judged, cohort.patients(judged), seen, cohort.patients(seen), protocol, where)


def check(
    judged_cases: Iterable[str],
    judged_patients: Iterable[str],
    seen_cases: Iterable[str],
    seen_patients: Iterable[str],
    protocol: str,
    where: str = "",
) -> None:
    """Refuse a comparison whose judged cases, or other cases of the same patients, were seen in training.

    Args:
        judged_cases: ids of the cases that a model is judged on.
        judged_patients: their patients.
        seen_cases: ids of the cases that the model, or a generator whose cases it trains on, has seen.
        seen_patients: their patients.
        protocol: `pooled` lets leaks pass; every other protocol refuses them.
        where: what is being checked, for the message.

    Raises:
        LeakError: naming the first cases, or patients, that were seen, and how many there are.
    """
    if protocol_of(protocol).leaky:
        return
    for kind, judged, seen in (("case", judged_cases, seen_cases), ("patient", judged_patients, seen_patients)):
        leaked = sorted(set(judged) & set(seen))
        if leaked:
            raise LeakError(
                f"{where or 'this training set'}: {len(leaked)} judged {kind}(s) were seen in training: "
                f"{_few(leaked)}. Under the protocol {protocol!r} none may be: train the generators, and draw, from "
                "this study's own splits alone"
            )


def _check_parts(cohort: PreparedCohort) -> None:
    """Refuse a patient in two parts of the cohort."""
    parts = {"the test set": cohort.test} | {f"fold {fold}": ids for fold, ids in enumerate(cohort.folds)}
    part_of: dict[str, str] = {}
    for part, case_ids in parts.items():
        patients = cohort.patients(case_ids)
        if shared := sorted(patients & part_of.keys()):
            raise LeakError(
                f"{cohort.folder / 'splits.json'}: {len(shared)} patient(s) are both in {part_of[shared[0]]} and in "
                f"{part}: {_few(shared)}. All cases of a patient belong to one part: prepare the cohort again "
                "(pipelines/prepare.py)"
            )
        part_of |= dict.fromkeys(patients, part)


def _few(names: Sequence[str]) -> str:
    """The first of many names."""
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
