"""Whether drawn cases are what the study's generators make, and what an arm can use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.errors import CohortError, ConfigError
from synthtrial.gans.kept_weights import weights_of
from synthtrial.synthesis.masks import ENDINGS
from synthtrial.trial.arm import Arm


def check_drawn(
    drawn: SyntheticCohort, cohort: PreparedCohort, split: str, model: Mapping[str, Any], needs_masks: bool = True
) -> None:
    """Refuse a drawn cohort that can't fill the arms of this study.

    Args:
        drawn: cases of one draw.
        cohort: the real cases.
        split: that the generators of the fold are trained on.
        model: content of `model.json` of the generator that the study has now.
        needs_masks: whether an arm needs the masks of a cohort that has some, as segmenters do.

    Raises:
        CohortError: when its cases were drawn from another split, or other weights, or don't fit the cohort.
    """
    generator = drawn.facts["generator"]
    weights = weights_of(model, drawn.facts.get("settings", {}).get("snapshot"))
    if drawn.shape != cohort.shape or drawn.labels != cohort.labels:
        raise CohortError(
            f"{drawn.folder} has cases of shape {drawn.shape} with labels {drawn.labels}, but the cohort has "
            f"{cohort.shape} and {cohort.labels}: train {generator!r} and draw again"
        )
    if cohort.labels and needs_masks and not drawn.manifest.loc[drawn.accepted, "mask"].all():
        raise CohortError(
            f"{drawn.folder} has images without masks, which an arm can't train a segmenter on: choose another "
            f"representation than image_only for {generator!r}"
        )
    for key, expected in (("split", split), ("weights_sha256", weights)):
        if len(rows := drawn.manifest[drawn.manifest[key] != expected]):
            what = "the generator of the split" if key == "split" else "other weights, of hash"
            raise CohortError(
                f"{drawn.folder / 'manifest.csv'}: case {rows.index[0]} was drawn from {what} "
                f"{rows[key].iloc[0][:12]}, and the study's generator for this fold has {expected[:12]}: draw the "
                "cohort again (pipelines/synthesize.py)"
            )


def check_classes_drawn(drawn: SyntheticCohort, cohort: PreparedCohort, arm: Arm) -> None:
    """Refuse drawn cases that a classifier can't learn from.

    Raises:
        CohortError: when one has no class, or one that no real case has.
        ConfigError: when the arm's numbers are about one class, and the draw makes another.
    """
    known = set(cohort.cases["label"])
    labels = drawn.manifest.loc[drawn.accepted, "label"]
    for case_id, label in labels.items():
        if label not in known or not label:
            says = f"is of the class {label!r}" if label else "has no class"
            raise CohortError(
                f"{drawn.folder / 'manifest.csv'}: case {case_id} {says}, and the real cases have "
                f"{', '.join(sorted(known))}: give the generator {drawn.facts['generator']!r} the classes that it is "
                "to make (classes: [one] or all), train it and draw again"
            )
    if arm.of and (other := sorted(set(labels) - {arm.of})):
        raise ConfigError(
            f"arms.{arm.name}.of is {arm.of!r}, but {drawn.folder} has cases of the class {other[0]!r} too: take a "
            f"generator with classes: [{arm.of}], or leave arms.{arm.name}.of out"
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
