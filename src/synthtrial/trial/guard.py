"""The guard: nothing that is judged on may have been seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import LeakError
from synthtrial.trial.protocol import protocol_of

SHOWN = 5


def check_start(config: Mapping[str, Any], cohort: PreparedCohort, protocol: str) -> None:
    """Refuse to start a generator from weights that have seen a test case of this cohort, or its patient.

    Args:
        config: the generator's configuration, with its `start_from`.
        cohort: the prepared cohort.
        protocol: `pooled` lets leaks pass; every other protocol refuses them.

    Raises:
        LeakError: naming the first cases, or patients, that were seen, and how many there are.
    """
    if not config.get("start_from"):
        return
    from synthtrial.gans.transfer import seen_before

    cases, patients = seen_before(Path(config["start_from"]))
    where = f"start_from {config['start_from']}"
    check(cohort.test, cohort.patients(cohort.test), cases, patients, protocol, where)


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
            names = ", ".join(leaked[:SHOWN]) + (", ..." if len(leaked) > SHOWN else "")
            raise LeakError(
                f"{where or 'this training set'}: {len(leaked)} judged {kind}(s) were seen in training: {names}. "
                f"Under the protocol {protocol!r} none may be; train the generators again on this study's own splits"
            )
