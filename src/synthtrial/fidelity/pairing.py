"""Synthetic cases that belong to real ones: images made to real masks, and cases that an encoder gives back."""

from __future__ import annotations

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.fidelity.cases import Cases, real_cases
from synthtrial.fidelity.reconstructions import reconstructions
from synthtrial.gans.dataset import RealCases
from synthtrial.gans.generator import Generator


def kinds_of_pairs(
    synthetic: SyntheticCohort, cohort: PreparedCohort, generator: Generator, learned: RealCases
) -> dict[str, tuple[Cases, Cases]]:
    """Real cases and the synthetic ones that belong to them, by kind; empty for a generator that makes no pairs.

    Args:
        synthetic: the drawn cohort.
        cohort: the prepared cohort.
        generator: the trained generator.
        learned: the cases that it has learned from.

    Returns:
        `paired`: images made to the masks of real cases. `reconstructed`: real cases, encoded and generated again.
    """
    kinds = {"paired": mask_pairs(synthetic, cohort), "reconstructed": reconstructions(generator, learned, cohort)}
    return {kind: pairs for kind, pairs in kinds.items() if pairs is not None}


def mask_pairs(synthetic: SyntheticCohort, cohort: PreparedCohort) -> tuple[Cases, Cases] | None:
    """Real cases, and what was made from the mask of each; None unless masks were those of real cases, unaltered."""
    if synthetic.facts["conditions_on"] != "mask" or synthetic.facts["settings"]["masks"] != "real":
        return None
    accepted = synthetic.accepted
    sources = [str(source) for source in synthetic.manifest.loc[accepted, "source_case"]]
    return real_cases(cohort, sources), Cases(synthetic, tuple(accepted))
