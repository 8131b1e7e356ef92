"""Whether drawn cases are what the study's generators make, and what an arm can use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.errors import CohortError
from synthtrial.synthesis.masks import ENDINGS


def check_drawn(drawn: SyntheticCohort, cohort: PreparedCohort, split: str, model: Mapping[str, Any]) -> None:
    """Refuse a drawn cohort that can't fill the arms of this study.

    Args:
        drawn: cases of one draw.
        cohort: the real cases.
        split: that the generators of the fold are trained on.
        model: content of `model.json` of the generator that the study has now.

    Raises:
        CohortError: when its cases were drawn from another split, or other weights, or don't fit the cohort.
    """
    generator = drawn.facts["generator"]
    if drawn.shape != cohort.shape or drawn.labels != cohort.labels:
        raise CohortError(
            f"{drawn.folder} has cases of shape {drawn.shape} with labels {drawn.labels}, but the cohort has "
            f"{cohort.shape} and {cohort.labels}: train {generator!r} and draw again"
        )
    if cohort.labels and not drawn.manifest.loc[drawn.accepted, "mask"].all():
        raise CohortError(
            f"{drawn.folder} has images without masks, which an arm can't train a segmenter on: choose another "
            f"representation than image_only for {generator!r}"
        )
    for key, expected in (("split", split), ("weights_sha256", model["weights_sha256"])):
        if len(rows := drawn.manifest[drawn.manifest[key] != expected]):
            what = "the generator of the split" if key == "split" else "other weights, of hash"
            raise CohortError(
                f"{drawn.folder / 'manifest.csv'}: case {rows.index[0]} was drawn from {what} "
                f"{rows[key].iloc[0][:12]}, and the study's generator for this fold has {expected[:12]}: draw the "
                "cohort again (pipelines/synthesize.py)"
            )


def sources(drawn: SyntheticCohort, cohort: PreparedCohort) -> dict[str, list[str]]:
    """The real cases that drawn ones were made from, as `seen_cases` and `seen_patients`, for the guard.

    A mask of a folder of the user's own is named by its file: where that is the id of a case, it counts as that case.
    """
    files = drawn.manifest.loc[drawn.accepted, "source_case"].unique()
    names = {*files, *map(_stem, files)}
    cases = [case_id for case_id in cohort.cases.index if case_id in names]
    return {"seen_cases": cases, "seen_patients": sorted(cohort.patients(cases))}


def _stem(name: str) -> str:
    """A file's name without its ending."""
    return next((name.removesuffix(ending) for ending in ENDINGS if name.endswith(ending)), name)


def check_apart(chosen: Mapping[str, Sequence[Mapping[str, Any]]], arm: str) -> None:
    """Refuse an arm whose draws hold the same cases, which would count twice.

    Args:
        chosen: draw to the rows of one fold.
        arm: its name.

    Raises:
        CohortError: when two draws have a case id, or an image of the same weights, in common.
    """
    for (first, some), (second, others) in combinations(chosen.items(), 2):
        ids = {row["case_id"] for row in some} & {row["case_id"] for row in others}
        if ids:
            raise CohortError(
                f"arm {arm!r}: the draws {first!r} and {second!r} both have a case {min(ids)}: synthetic case ids must "
                "be unique, so draw one of the two again (pipelines/synthesize.py)"
            )
        drawn = {(row["weights_sha256"], row["sha256"]): row["case_id"] for row in some}
        for row in others:
            if twin := drawn.get((row["weights_sha256"], row["sha256"])):
                raise CohortError(
                    f"arm {arm!r}: the draws {first!r} and {second!r} hold the same image ({twin} and "
                    f"{row['case_id']}), being drawn from one generator with one seed: take one of the two draws"
                )
