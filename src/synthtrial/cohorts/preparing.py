"""Preparing a raw cohort: every case onto the study's grid, in parallel, with memory independent of their number."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from rich.progress import track

from synthtrial.atomic import write_json
from synthtrial.cohorts.augmenting import augment
from synthtrial.cohorts.case import CaseRef, Reader
from synthtrial.cohorts.class_checks import check_parts, check_two_classes, counts_of_parts
from synthtrial.cohorts.class_limit import limited
from synthtrial.cohorts.equal_images import as_one_patient, equal_image_warnings
from synthtrial.cohorts.going_on import Done, map_unfinished
from synthtrial.cohorts.held_out import check_counts, check_test_counts
from synthtrial.cohorts.preparing_case import PreparedCase, prepare_case
from synthtrial.cohorts.profile import cohort_profile
from synthtrial.cohorts.settings import PrepareSettings
from synthtrial.cohorts.splitting import check_enough_patients, check_sites, split_by_site, split_cases
from synthtrial.cohorts.surplus import in_no_part, leave_out, surplus_warning
from synthtrial.errors import CohortError
from synthtrial.unfinished import Unfinished, state_of

logger = logging.getLogger(__name__)


def prepare(
    reader: Reader,
    folder: Path,
    *,
    settings: PrepareSettings,
    seed: int,
    workers: int | None = None,
    positive: str = "",
    unfinished: Unfinished | None = None,
) -> None:
    """Prepare a cohort; docs/architecture.md tells the files that are written.

    Case by case goes to the disk, and a few hundred numbers of each are remembered.

    Args:
        reader: finds and reads the raw cases.
        folder: the `prepared/` folder to write; replaced as a whole when all has gone well, else left as it was.
        settings: how a case is prepared and the cohort split.
        seed: of the limit, the split and augmented copies.
        workers: processes side by side; 1 works in this process, None takes one per core.
        positive: the positive class of a classification: the cohort must have two classes, each in every part of it,
            and this one is spread evenly; "" where nothing is classified.
        unfinished: where the cohort is written until it is whole, so that a killed one goes on with the cases that were
            finished; it is made from the reader's settings. None starts anew, and leaves nothing after an error.

    Raises:
        ConfigError: when the settings don't fit the cohort.
        CohortError: when a case can't be used, or there are too few.
    """
    settings.check_axes(reader.name, reader.spatial_dims)
    settings.check_unit(reader.name, reader.unit)
    refs = reader.find()
    if settings.limit is not None:
        refs = limited(refs, settings.limit, seed)
    check_divisible(refs, settings, positive)
    workers = min(workers or os.cpu_count() or 1, len(refs))
    folder = Path(folder)
    if unfinished is None:
        unfinished = Unfinished(folder.with_name(f".{folder.name}.partial"), {}, keep=False)
    with unfinished:
        for name in ("images", "masks", "reference") if reader.labels else ("images",):
            (unfinished.files / name).mkdir(exist_ok=True)
        prepared = _prepared_cases(refs, reader, settings, workers, unfinished)
        development = _write_cohort(unfinished.files, reader, settings, prepared, seed, positive)
        if settings.augmentation:
            augment(unfinished, development, settings=settings.augmentation, seed=seed, workers=workers)
        unfinished.finish(folder)


def _prepared_cases(
    refs: list[CaseRef], reader: Reader, settings: PrepareSettings, workers: int, unfinished: Unfinished
) -> list[PreparedCase]:
    """Prepare all cases that are not finished, and tell of all."""
    of_all = json.dumps(asdict(settings), sort_keys=True, default=list)
    results = map_unfinished(
        partial(_done_case, reader=reader, settings=settings, folder=unfinished.files),
        refs,
        name_of=lambda ref: f"case {ref.case_id}",
        key_of=lambda ref: f"{ref} {state_of(raw_files(ref))} {of_all}",
        workers=workers,
        unfinished=unfinished,
    )
    if unfinished.found:
        logger.warning(f"going on: {unfinished.found} cases and copies are finished and are kept")
    told = track(results, "preparing cases", total=len(refs))
    return [PreparedCase.from_json(ref, content) for ref, content in zip(refs, told, strict=True)]


def raw_files(ref: CaseRef) -> list[Path]:
    """The files that a case is read from; none for one that is computed."""
    return [*([ref.image] if ref.image else []), *ref.masks]


def _done_case(ref: CaseRef, *, reader: Reader, settings: PrepareSettings, folder: Path) -> Done:
    case = prepare_case(ref, reader=reader, settings=settings, folder=folder)
    return Done(case.as_json(), case.files)


def check_divisible(refs: list[CaseRef], settings: PrepareSettings, positive: str = "") -> None:
    """Raise an error when the cases can't be split as the settings say, before any of them is read."""
    by_site = settings.split_by == "site"
    if positive:
        check_two_classes(refs, positive, settings.folds, test=not by_site)
    if by_site:
        check_sites(refs, settings.folds)
    else:
        check_enough_patients(refs, settings.folds, settings.test_fraction or settings.test_cases is not None)
    if settings.test_cases is not None:
        check_counts(refs, settings.test_cases)


def divide(refs: list[CaseRef], settings: PrepareSettings, seed: int, positive: str = "") -> dict:
    """The content of `splits.json`."""
    if settings.split_by == "site":
        return split_by_site(refs, folds=settings.folds, seed=seed)
    return split_cases(
        refs,
        test_fraction=settings.test_fraction,
        test_cases=settings.test_cases,
        test_surplus=settings.test_surplus,
        folds=settings.folds,
        seed=seed,
        positive=positive,
    )


def _write_cohort(
    folder: Path, reader: Reader, settings: PrepareSettings, prepared: list[PreparedCase], seed: int, positive: str
) -> list[dict[str, object]]:
    """Write cases.csv, splits.json, cohort.json, profile.json and the figures; return the rows of development cases."""
    from synthtrial.cohorts.profile_figures import write_profile_figures

    if not reader.patients_known:
        prepared = as_one_patient(prepared)
    kept = [case for case in prepared if not case.dropped]
    if not kept:
        raise CohortError(f"cohort {reader.name}: all {len(prepared)} masks are empty and prepare.empty_mask is 'drop'")
    refs = [case.ref for case in kept]
    splits = _checked_splits(refs, settings, seed, positive)
    write_json(folder / "splits.json", splits)
    surplus = in_no_part(refs, splits)
    prepared, kept = (leave_out(folder, cases, surplus) for cases in (prepared, kept))
    pd.DataFrame([case.row for case in kept]).to_csv(folder / "cases.csv", index=False)
    facts = _facts(reader, settings, kept)
    write_json(folder / "cohort.json", facts)
    warnings = _cohort_warnings(reader, settings, kept, splits["test"], surplus)
    for warning in (*warnings, *(warning for case in prepared for warning in case.warnings)):
        logger.warning(warning)
    profile = cohort_profile(facts, prepared, counts_of_parts(refs, splits), warnings, surplus)
    write_json(folder / "profile.json", profile)
    write_profile_figures(folder, profile)
    return [case.row for case in kept if case.ref.case_id not in splits["test"]]


def _checked_splits(refs: list[CaseRef], settings: PrepareSettings, seed: int, positive: str) -> dict:
    """The content of `splits.json`, of the cases that were read."""
    check_divisible(refs, settings, positive)
    splits = divide(refs, settings, seed, positive)
    if positive:
        check_parts(refs, splits)
    return splits


def _facts(reader: Reader, settings: PrepareSettings, kept: list[PreparedCase]) -> dict[str, object]:
    """The content of `cohort.json`."""
    spacings = [case.spacing for case in kept]
    return {
        "name": reader.name,
        "unit": reader.unit,
        "spatial_dims": reader.spatial_dims,
        "channels": reader.channels,
        "labels": reader.labels,
        "classes": sorted({case.ref.label for case in kept} - {""}),
        "patients_known": reader.patients_known,
        "shape": list(settings.shape),
        "spacing_mm": np.median(spacings, axis=0).round(6).tolist(),
    }


def _cohort_warnings(
    reader: Reader, settings: PrepareSettings, kept: list[PreparedCase], test: list[str], surplus: list[CaseRef]
) -> list[str]:
    """What to warn of that no single case can tell."""
    warnings = equal_image_warnings(kept)
    if not reader.patients_known:
        warnings.insert(
            0,
            f"PATIENTS UNKNOWN in the cohort {reader.name}: each picture counts as a patient of its own, so pictures "
            "of one patient may lie on both sides of a split, which makes every score too good and every interval too "
            "narrow. Tell the patients, by a field {patient} in cohort.image or by cohort.patient_column",
        )
    if settings.test_cases is not None:
        warnings += check_test_counts([case.ref for case in kept], test, settings.test_cases)
    return [*warnings, surplus_warning(surplus)] if surplus else warnings
