"""Which cases a form shows, in which order, and under which names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.errors import ConfigError

Kind = Literal["real", "synthetic"]

LETTERS = np.array(list("ABCDFGHJKLMNPQRSTUVWXYZ23456789"))
"""Without I, O, 0 and 1, which readers confuse, and E: spreadsheets would take 23E456 for a number."""

ID_LENGTH = 6


@dataclass(frozen=True)
class Shown:
    """A case of a form.

    Attributes:
        blinded_id: its random name in the form; says nothing about the case.
        kind: what it is.
        case_id: its id in the cohort that it is from.
        generator: who made it; empty for a real case.
        order: its place in the form, from 1.
    """

    blinded_id: str
    kind: Kind
    case_id: str
    generator: str
    order: int


def choose(
    cohort: PreparedCohort,
    case_ids: Sequence[str],
    synthetic: SyntheticCohort,
    n_real: int,
    n_synthetic: int,
    rng: np.random.Generator,
) -> list[Shown]:
    """Draw cases and mix them.

    Every real case is of another patient. Synthetic ones that were made from a real case (by translation, or from its
    mask) are each from another patient, too, whose own cases are not shown: the same mask twice would give both away,
    and cases that share something are not independent.

    Args:
        cohort: the real cases.
        case_ids: those of them to draw from: what the generator has learned to make.
        synthetic: the synthetic ones; only accepted cases are shown.
        n_real: how many real cases.
        n_synthetic: how many synthetic ones.
        rng: decides choice, order and names.

    Raises:
        ConfigError: when there are too few cases.
    """
    patient_of = cohort.cases["patient_id"].to_dict()
    made_from = synthetic.manifest.loc[synthetic.accepted, "source_case"].to_dict()
    origin = {
        case_id: ("patient", patient_of[source]) if source else ("noise", case_id)
        for case_id, source in made_from.items()
    }
    drawn = _one_per_group(origin, rng)[:n_synthetic]
    if len(drawn) < n_synthetic:
        raise ConfigError(
            f"--synthetic {n_synthetic}: of the accepted cases in {synthetic.folder} only {len(drawn)} were made "
            "independently; ask for fewer, or draw more (synthesis.per_real)"
        )
    taken = {origin[case_id] for case_id in drawn}
    free = {case_id: ("patient", patient_of[case_id]) for case_id in case_ids}
    real = _one_per_group({case_id: patient for case_id, patient in free.items() if patient not in taken}, rng)[:n_real]
    if len(real) < n_real:
        raise ConfigError(
            f"--real {n_real}: a form shows one case per patient, and the generator has learned from only {len(real)} "
            "patients that no shown synthetic case was made from; ask for fewer"
        )
    kinds: dict[str, Kind] = {**dict.fromkeys(real, "real"), **dict.fromkeys(drawn, "synthetic")}
    mixed = [str(case_id) for case_id in rng.permutation(sorted(kinds))]
    names = _random_names(len(mixed), rng)
    generator = str(synthetic.facts["generator"])
    return [
        Shown(name, kinds[case_id], case_id, generator if kinds[case_id] == "synthetic" else "", order)
        for order, (name, case_id) in enumerate(zip(names, mixed, strict=True), start=1)
    ]


def _one_per_group(groups: dict[str, tuple[str, str]], rng: np.random.Generator) -> list[str]:
    """One case of each group, in random order."""
    first: dict[tuple[str, str], str] = {}
    for case_id in rng.permutation(sorted(groups)):
        first.setdefault(groups[case_id], str(case_id))
    return list(first.values())


def _random_names(count: int, rng: np.random.Generator) -> list[str]:
    """Random names, no two alike."""
    names: dict[str, None] = {}
    while len(names) < count:
        names["".join(rng.choice(LETTERS, ID_LENGTH))] = None
    return list(names)
