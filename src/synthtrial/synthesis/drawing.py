"""Drawing a synthetic cohort from a trained generator, with the provenance of every case."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from synthtrial.atomic import atomic_folder, write_json
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.representations.building import build_representation
from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.synthesis.cohort import MANIFEST_COLUMNS, voxel_ml
from synthtrial.synthesis.decoding import Decoder, SyntheticCase
from synthtrial.synthesis.nearest import NearestRealCase
from synthtrial.synthesis.writing import CaseWriter, WrittenCase

if TYPE_CHECKING:
    import torch

    from synthtrial.gans.base import GAN
    from synthtrial.gans.conditions import Condition, Conditions
    from synthtrial.gans.dataset import RealCases


def synthesize(
    *,
    model_folder: Path,
    cohort: PreparedCohort,
    folder: Path,
    count: int,
    settings: dict[str, Any],
    seed: int,
    device: str = "cpu",
    progress: bool = True,
) -> None:
    """Draw cases until `count` are accepted, and write them to `folder` with `manifest.csv` and `synthetic.json`.

    Case i's noise depends on the seed and i alone, and cases are drawn one at a time. So drawing more later
    keeps the first ones, and the same seed gives the same bytes.

    Args:
        model_folder: `models/<generator>/<split>/` of the study.
        cohort: the prepared cohort that the generator was trained on.
        folder: `synthetic/<generator>/<split>/`; replaced whole when all is written.
        count: accepted cases wanted.
        settings: the `synthesis` part of params.yaml: `threshold`, `components`, `min_lesion_voxels`, `limit_factor`,
            `masks`.
        seed: seed of the noise.
        device: where the generator runs.
        progress: show a progress bar.

    Raises:
        ConfigError: when no case is wanted.
        SynthtrialError: when none is accepted within `count * limit_factor` draws.
    """
    if count < 1:
        raise ConfigError(f"{count} synthetic cases were asked for: raise synthesis.per_real")
    import torch

    from synthtrial.gans.conditions import draw
    from synthtrial.gans.model import load_generator

    generator = load_generator(model_folder).to(device)
    model = json.loads((model_folder / "model.json").read_text(encoding="utf-8"))
    cases = cases_of_model(model, cohort, generator)
    conditions = conditions_of(generator, cases, settings["masks"], seed)
    decode = Decoder(
        representation=cases.representation,
        threshold=settings["threshold"],
        components=settings["components"],
        min_lesion_voxels=settings["min_lesion_voxels"],
    )
    nearest = NearestRealCase(cohort, seen_with_copies(model, cohort))
    window = median_window(cohort, model["seen_cases"])
    limit = int(np.ceil(count * settings["limit_factor"]))
    if generator.conditions_on == "source":
        # A translation is the same each time, so that no case can be made from one source twice.
        limit = min(limit, len(cases.roles.source))
    rows: list[dict[str, Any]] = []
    with atomic_folder(folder) as partial, _progress_bar(progress) as bar:
        writer = CaseWriter(partial, window=window, spacing_mm=tuple(cohort.facts["spacing_mm"]))
        task = bar.add_task(f"draw {model['generator']} {model['split']}, cases", total=count)
        accepted = 0
        while accepted < count and len(rows) < limit:
            index = len(rows)
            case_id = f"{model['generator']}-{model['split']}-{index:05d}"
            condition = conditions(index)
            with torch.inference_mode():
                drawn = draw(generator, case_rng(seed, index), condition)
            case = decode(drawn[0].numpy())
            written = writer.write(case_id, case) if case.accepted else WrittenCase()
            accepted += case.accepted
            rows.append(
                {
                    "case_id": case_id,
                    **{key: model[key] for key in ("generator", "split", "weights_sha256")},
                    "seed": seed,
                    "index": index,
                    "label": label_of(condition, model["config"], cohort),
                    "source_case": condition.source_case,
                    "threshold": settings["threshold"],
                    **_measurements(case, cohort, nearest),
                    **asdict(written),
                }
            )
            bar.update(task, completed=accepted)
        if accepted == 0:
            raise SynthtrialError(
                f"none of {limit} cases drawn from {model_folder} was accepted (the last one: {rows[-1]['reason']}): "
                "look at its samples.png; train the generator longer, or lower synthesis.threshold or "
                "synthesis.min_lesion_voxels"
            )
        if accepted < count:
            once = ", one per source case" if generator.conditions_on == "source" else ""
            bar.console.print(f"only {accepted} of {count} wanted cases were accepted in {limit} draws{once}")
        pd.DataFrame(rows, columns=list(MANIFEST_COLUMNS)).to_csv(partial / "manifest.csv", index=False)
        write_json(partial / "synthetic.json", _facts(model, cohort, window, seed, settings, count, rows))


def cases_of_model(model: dict[str, Any], cohort: PreparedCohort, generator: GAN) -> RealCases:
    """The real cases that a trained generator has seen, each in the role that it had."""
    from synthtrial.gans.dataset import RealCases
    from synthtrial.gans.roles import roles_of

    roles = roles_of(model["config"], cohort, model["seen_cases"], generator.uses_unlabelled)
    return RealCases(cohort, roles, build_representation(model["representation"]), model["seed"])


def conditions_of(generator: GAN, cases: RealCases, masks: str, seed: int) -> Conditions:
    """What each sample is told: its class, the case to translate, or its mask.

    Args:
        generator: the trained generator.
        cases: the real cases that it has seen.
        masks: `real` or `deformed` masks of these cases, `generator` for its own, or a folder of label maps.
        seed: of the masks.

    Raises:
        ConfigError: when the generator has no masks of its own to make.
    """
    from synthtrial.gans.conditions import Conditions

    if generator.conditions_on != "mask":
        return Conditions(generator.conditions_on, cases)
    if masks == "generator":
        if not generator.makes_masks:
            raise ConfigError(
                "synthesis.masks=generator, but this generator makes none: choose real, deformed or a folder"
            )
        return Conditions("", cases)
    from synthtrial.synthesis.masks import MaskSource

    source = MaskSource(masks, cases.cohort, cases.roles.real)
    return Conditions("mask", cases, lambda index: source(np.random.default_rng([seed, index])))


def seen_with_copies(model: dict[str, Any], cohort: PreparedCohort) -> list[str]:
    """Ids of the cases that a generator has seen, and of their augmented copies where it has learned from them."""
    seen = list(model["seen_cases"])
    return seen + (cohort.augmented_of(seen) if model["config"].get("train", {}).get("copies", True) else [])


def label_of(condition: Condition, config: dict[str, Any], cohort: PreparedCohort) -> str:
    """The class of a sample: the one asked for, the only one learned, or, from site to site, its source's."""
    domains, classes = config.get("domains"), config.get("classes") or []
    if domains:
        of_source = str(cohort.cases.at[condition.source_case, "label"])
        return str(domains["target"]) if domains["column"] == "label" else of_source
    return condition.label or (str(classes[0]) if len(classes) == 1 else "")


def case_rng(seed: int, index: int) -> torch.Generator:
    """The random numbers of one case.

    PyTorch's CPU generator uses 32 bits of its seed only, where hashing (seed, index) would make two of 10,000 cases
    equal with a chance of 1 %. An odd multiplier keeps every index below 2^32 apart.
    """
    import torch

    start = int(np.random.SeedSequence(seed).generate_state(1)[0])
    return torch.Generator().manual_seed((start + index * 0x9E3779B1) % 2**32)


def median_window(cohort: PreparedCohort, case_ids: list[str]) -> tuple[float, float]:
    """Median intensity window (low, high) of the cases, in the cohort's unit: the declared one where all share it."""
    windows = cohort.cases.loc[case_ids, ["intensity_low", "intensity_high"]]
    return float(windows["intensity_low"].median()), float(windows["intensity_high"].median())


def _measurements(case: SyntheticCase, cohort: PreparedCohort, nearest: NearestRealCase) -> dict[str, Any]:
    nearest_case, nearest_distance = nearest(case.image)
    nearest_case = cohort.source_of(nearest_case)
    return {
        "lesion_voxels": case.lesion_voxels,
        "lesion_ml": round(case.lesion_voxels * voxel_ml(cohort.facts["spacing_mm"]), 6),
        "nearest_case": nearest_case,
        "nearest_distance": round(nearest_distance, 6),
        "accepted": case.accepted,
        "reason": case.reason,
    }


def _facts(
    model: dict[str, Any],
    cohort: PreparedCohort,
    window: tuple[float, float],
    seed: int,
    settings: dict[str, Any],
    count: int,
    rows: list[dict[str, Any]],
) -> dict[str, Any]:
    inherited = model["start_from"] or {}
    return {
        **{key: model[key] for key in ("generator", "split", "weights_sha256")},
        **{key: [*model[key], *inherited.get(key, [])] for key in ("seen_cases", "seen_patients")},
        **{key: cohort.facts[key] for key in ("labels", "channels", "shape", "spacing_mm", "unit")},
        "intensity_window": list(window),
        "seed": seed,
        "settings": settings,
        "requested": count,
        "drawn": len(rows),
        "accepted": sum(row["accepted"] for row in rows),
    }


def _progress_bar(shown: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        disable=not shown,
    )
