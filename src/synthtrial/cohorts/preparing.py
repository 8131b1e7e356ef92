"""Preparing a raw cohort: every case onto the study's grid, in parallel, with memory independent of their number."""

from __future__ import annotations

import logging
import os
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from rich.progress import track

from synthtrial.atomic import atomic_folder, write_json
from synthtrial.cohorts.augmenting import augment
from synthtrial.cohorts.case import CaseRef, Reader
from synthtrial.cohorts.preparing_case import PreparedCase, prepare_case
from synthtrial.cohorts.profile import cohort_profile
from synthtrial.cohorts.settings import PrepareSettings
from synthtrial.cohorts.splitting import check_enough_patients, check_sites, split_by_site, split_cases
from synthtrial.cohorts.workers import map_bounded
from synthtrial.errors import CohortError

logger = logging.getLogger(__name__)


def prepare(reader: Reader, folder: Path, *, settings: PrepareSettings, seed: int, workers: int | None = None) -> None:
    """Prepare a cohort; docs/architecture.md tells the files that are written.

    Args:
        reader: finds and reads the raw cases.
        folder: the `prepared/` folder to write; replaced as a whole when all has gone well, else left as it was.
        settings: how a case is prepared and the cohort split.
        seed: of the split and of augmented copies.
        workers: processes side by side; 1 works in this process, None takes one per core.

    Raises:
        ConfigError: when the settings don't fit the cohort.
        CohortError: when a case can't be used, or there are too few.
    """
    settings.check_axes(reader.name, reader.spatial_dims)
    settings.check_unit(reader.name, reader.unit)
    refs = reader.find()
    workers = min(workers or os.cpu_count() or 1, len(refs))
    check_divisible(refs, settings)
    with atomic_folder(Path(folder)) as partial_folder:
        for name in ("images", "masks", "reference") if reader.labels else ("images",):
            (partial_folder / name).mkdir()
        work = partial(prepare_case, reader=reader, settings=settings, folder=partial_folder)
        results = track(map_bounded(work, refs, workers), "preparing cases", total=len(refs))
        prepared = list(results)
        development = _write_cohort(partial_folder, reader, settings, prepared, seed)
        if settings.augmentation:
            augment(partial_folder, development, settings=settings.augmentation, seed=seed, workers=workers)


def check_divisible(refs: list[CaseRef], settings: PrepareSettings) -> None:
    """Raise a `CohortError` when the cases can't be split as the settings say, before any of them is read."""
    if settings.split_by == "site":
        check_sites(refs, settings.folds)
    else:
        check_enough_patients(refs, settings.folds, settings.test_fraction)


def divide(refs: list[CaseRef], settings: PrepareSettings, seed: int) -> dict:
    """The content of `splits.json`."""
    if settings.split_by == "site":
        return split_by_site(refs, folds=settings.folds, seed=seed)
    return split_cases(refs, test_fraction=settings.test_fraction, folds=settings.folds, seed=seed)


def _write_cohort(
    folder: Path, reader: Reader, settings: PrepareSettings, prepared: list[PreparedCase], seed: int
) -> list[dict[str, object]]:
    """Write cases.csv, splits.json, cohort.json, profile.json and the figures; return the rows of development cases."""
    from synthtrial.cohorts.profile_figures import write_profile_figures

    kept = [case for case in prepared if not case.dropped]
    if not kept:
        raise CohortError(f"cohort {reader.name}: all {len(prepared)} masks are empty and prepare.empty_mask is 'drop'")
    for warning in (warning for case in prepared for warning in case.warnings):
        logger.warning(warning)
    pd.DataFrame([case.row for case in kept]).to_csv(folder / "cases.csv", index=False)
    splits = divide([case.ref for case in kept], settings, seed)
    write_json(folder / "splits.json", splits)
    spacings = [case.spacing for case in kept]
    facts = {
        "name": reader.name,
        "unit": reader.unit,
        "spatial_dims": reader.spatial_dims,
        "channels": reader.channels,
        "labels": reader.labels,
        "classes": sorted({case.ref.label for case in kept} - {""}),
        "shape": list(settings.shape),
        "spacing_mm": np.median(spacings, axis=0).round(6).tolist(),
    }
    write_json(folder / "cohort.json", facts)
    profile = cohort_profile(facts, prepared)
    write_json(folder / "profile.json", profile)
    write_profile_figures(folder, profile)
    return [case.row for case in kept if case.ref.case_id not in splits["test"]]
