"""The cases of a study that its fidelity stage compares."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.cases import Cases, real_cases, without_masks
from synthtrial.gans.dataset import RealCases, cases_of_model, seen_with_copies
from synthtrial.gans.generator import Generator
from synthtrial.gans.model import load_generator

LEAST_REAL, LEAST_SYNTHETIC = 4, 4
"""Cases that the stage needs; single metrics may need more."""


@dataclass(frozen=True)
class Compared:
    """The cases of one comparison.

    The sources of `real` and `synthetic` have labels only where the generator makes masks, too.

    Attributes:
        real: what the generator has learned to make.
        training: all cases that it has seen; beside `real` those that it translates, and altered copies.
        altered: ids of these copies.
        held_out: real cases of the same classes or sites, of patients that it has not seen; None where there are none.
        synthetic: the accepted cases that were drawn from it.
    """

    real: Cases
    training: Cases
    held_out: Cases | None
    synthetic: Cases
    altered: tuple[str, ...] = ()


@dataclass(frozen=True)
class ComparedDraw:
    """A drawn cohort with the generator that it came from, and the cases to compare.

    Attributes:
        model: content of the generator's `model.json`.
        snapshot: images after which its training kept the weights that drew; None for those of its end.
        generator: with these weights.
        learned: the cases that it has learned from, in their roles.
        compared: sorted, and enough of them.
    """

    model: dict[str, Any]
    snapshot: int | None
    generator: Generator
    learned: RealCases
    compared: Compared


def compared_draw(cohort: PreparedCohort, synthetic: SyntheticCohort, model_folder: Path) -> ComparedDraw:
    """Open what a drawn cohort is compared by.

    Args:
        cohort: the prepared cohort.
        synthetic: the drawn cohort.
        model_folder: `models/<generator>/<split>/`.

    Raises:
        SynthtrialError: for too few cases, and for synthetic ones that don't fit the cohort.
    """
    model = json.loads((model_folder / "model.json").read_text(encoding="utf-8"))
    snapshot = synthetic.facts["settings"].get("snapshot")
    generator = load_generator(model_folder, snapshot)
    learned = cases_of_model(model, cohort, generator.uses_unlabelled)
    compared = compared_cases(cohort, synthetic, model, learned)
    check_compared(compared, cohort, synthetic)
    return ComparedDraw(model, snapshot, generator, learned, compared)


def compared_cases(
    cohort: PreparedCohort, synthetic: SyntheticCohort, model: dict[str, Any], learned: RealCases
) -> Compared:
    """Sort the real cases by what the generator has seen of them.

    Args:
        cohort: the prepared cohort.
        synthetic: the drawn cohort, whose facts say which patients were seen, by earlier trainings too.
        model: content of `model.json`.
        learned: the cases that the generator has learned from, in their roles.
    """
    unseen = unseen_cases(cohort, synthetic.facts["seen_patients"], model)
    training = seen_with_copies(model, cohort)
    compared = Compared(
        real=real_cases(cohort, learned.roles.real),
        training=real_cases(cohort, training),
        held_out=real_cases(cohort, unseen) if unseen else None,
        synthetic=Cases(synthetic, tuple(synthetic.accepted)),
        altered=tuple(case_id for case_id in training if cohort.source_of(case_id) != case_id),
    )
    if synthetic.manifest.loc[synthetic.accepted, "mask"].any():
        return compared
    return replace(compared, real=without_masks(compared.real), synthetic=without_masks(compared.synthetic))


def unseen_cases(cohort: PreparedCohort, seen_patients: list[str], model: dict[str, Any]) -> list[str]:
    """Cases of other patients than the generator has seen, but of the classes or sites that it has.

    Cases of another class differ from what it draws whether it has seen them or not, and would look like non-members.
    """
    config = model["config"]
    columns = ["label"] if config.get("classes") else []
    columns += [config["domains"]["column"]] if config.get("domains") else []
    kinds = dict(zip(cohort.cases.index, map(tuple, cohort.cases[columns].to_numpy()), strict=True))
    seen_kinds = {kinds[case_id] for case_id in model["seen_cases"]}
    strangers = cohort.cases.index[~cohort.cases["patient_id"].isin(seen_patients)]
    return [case_id for case_id in strangers if kinds[case_id] in seen_kinds]


def check_compared(compared: Compared, cohort: PreparedCohort, synthetic: SyntheticCohort) -> None:
    """Raise a SynthtrialError for too few cases, and for synthetic ones that don't fit the cohort."""
    if len(compared.real) < LEAST_REAL or len(compared.synthetic) < LEAST_SYNTHETIC:
        raise SynthtrialError(
            f"{synthetic.folder}: fidelity compares at least {LEAST_REAL} real and {LEAST_SYNTHETIC} accepted "
            f"synthetic cases, here are {len(compared.real)} and {len(compared.synthetic)}; add real cases, or draw "
            "more (synthesis.per_real)"
        )
    if synthetic.shape != cohort.shape or synthetic.labels != cohort.labels:
        raise SynthtrialError(
            f"{synthetic.folder} holds cases of shape {synthetic.shape} with labels {synthetic.labels}, the cohort in "
            f"{cohort.folder} has {cohort.shape} and {cohort.labels}; draw the synthetic cohort again"
        )
