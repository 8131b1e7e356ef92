"""Drawing a synthetic cohort from a trained generator, with the provenance of every case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from synthtrial import params
from synthtrial.atomic import atomic_folder, write_json
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import MANIFEST_COLUMNS
from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.fidelity.audit.copies import CopyDetector
from synthtrial.fidelity.cases import real_cases
from synthtrial.gans.dataset import seen_with_copies
from synthtrial.synthesis.batches import Drawing
from synthtrial.synthesis.distance_gate import DistanceGate, GateSettings
from synthtrial.synthesis.draws import Draws
from synthtrial.synthesis.writing import CaseWriter


def synthesize(
    *,
    name: str,
    model_folder: Path,
    cohort: PreparedCohort,
    folder: Path,
    count: int,
    settings: dict[str, Any],
    seed: int,
    cache: Path,
    device: str = "cpu",
    progress: bool = True,
) -> None:
    """Draw cases until `count` are accepted, and write them to `folder` with `manifest.csv` and `synthetic.json`.

    A distance gate judges whole batches; the last one may then bring more cases than were wanted, and all are kept.

    Case i's noise depends on the seed and i alone, and cases are drawn one at a time. So drawing more later
    keeps the first ones, and the same seed gives the same bytes.

    A case is rejected when its lesion is too small, when it is a copy of a case that the generator has seen, or when
    the batch that it was drawn in is too far from the cases that the generator has learned to make.

    Args:
        name: of this way to draw from the generator: what the study calls it in `draws:`.
        model_folder: `models/<generator>/<split>/` of the study.
        cohort: the prepared cohort that the generator was trained on.
        folder: `synthetic/<name>/<split>/`; replaced whole when all is written.
        count: accepted cases wanted.
        settings: a `draws.<name>` part of params.yaml without its generator: `threshold`, `components`, `limit_factor`,
            `min_lesion_voxels`, `masks`, `snapshot`, `copy_rate`, `copy_limit`, `distance_gate`.
        seed: seed of the noise.
        cache: folder in which a feature extractor that learns keeps what it has learned.
        device: where the generator runs.
        progress: show a progress bar.

    Raises:
        ConfigError: when no case is wanted.
        SynthtrialError: when none is accepted within `count * limit_factor` draws.
    """
    if count < 1:
        raise ConfigError(f"{count} synthetic cases were asked for: raise synthesis.per_real")
    draws = Draws(model_folder, cohort, settings, seed, device)
    limit = min(int(np.ceil(count * settings["limit_factor"])), draws.limit or count * 10**9)
    copies = copy_detector(cohort, draws.model, settings["copy_rate"], settings["copy_limit"])
    gate = distance_gate(cohort, draws.learned, settings["distance_gate"], cache, seed)
    window = median_window(cohort, draws.model["seen_cases"])
    with atomic_folder(folder) as partial, _progress_bar(progress) as bar:
        task = bar.add_task(f"draw {name} {draws.model['split']}, cases", total=count)
        writer = CaseWriter(partial, window=window, spacing_mm=cohort.spacing_mm)
        drawing = Drawing(name, draws, copies, gate, writer, settings, limit)
        while drawing.accepted < count or not drawing.satisfied:
            if len(drawing.rows) == limit:
                break
            drawing.draw_batch()
            bar.update(task, completed=drawing.accepted)
        bar.console.print(*drawing.remarks(count), sep="\n", end="")
        if drawing.accepted == 0:
            raise SynthtrialError(
                f"none of {limit} cases drawn from {model_folder} was accepted (the last one: "
                f"{drawing.rows[-1]['reason']}): look at its samples.png; train the generator longer, lower "
                "synthesis.threshold, min_lesion_voxels or copy_rate, or raise distance_gate.threshold"
            )
        pd.DataFrame(drawing.rows, columns=list(MANIFEST_COLUMNS)).to_csv(partial / "manifest.csv", index=False)
        write_json(partial / "synthetic.json", _facts(drawing, cohort, window, count))


def copy_detector(
    cohort: PreparedCohort, model: dict[str, Any], rate: float | None, limit: float
) -> CopyDetector | None:
    """What tells copies of the cases that a generator has seen, and of their augmented copies if it learned from them.

    Args:
        cohort: the prepared cohort.
        model: content of `model.json`.
        rate: share of real patients that may be taken for copies; None for no look at all.
        limit: a copy is closer than this share of the usual distance.
    """
    if rate is None:
        return None
    return CopyDetector(real_cases(cohort, seen_with_copies(model, cohort)), rate=rate, limit=limit)


def distance_gate(
    cohort: PreparedCohort, learned: list[str], settings: dict[str, Any] | None, cache: Path, seed: int
) -> DistanceGate | None:
    """The gate that batches must pass, with the cases that they must be close to; None without settings for one."""
    if settings is None:
        return None
    checked = params.construct(GateSettings, settings, "synthesis.distance_gate")
    return DistanceGate(checked, real_cases(cohort, learned), cache, seed)


def median_window(cohort: PreparedCohort, case_ids: list[str]) -> tuple[float, float]:
    """Median intensity window (low, high) of the cases, in the cohort's unit: the declared one where all share it."""
    windows = cohort.cases.loc[case_ids, ["intensity_low", "intensity_high"]]
    return float(windows["intensity_low"].median()), float(windows["intensity_high"].median())


def _facts(drawing: Drawing, cohort: PreparedCohort, window: tuple[float, float], count: int) -> dict[str, Any]:
    model, gate = drawing.draws.model, drawing.gate
    inherited = model["start_from"] or {}
    return {
        "draw": drawing.name,
        **{key: model[key] for key in ("generator", "split")},
        "weights_sha256": drawing.draws.weights_sha256,
        **{key: [*model[key], *inherited.get(key, [])] for key in ("seen_cases", "seen_patients")},
        **{key: cohort.facts[key] for key in ("labels", "channels", "shape", "spacing_mm", "unit")},
        "intensity_window": list(window),
        "conditions_on": drawing.draws.generator.conditions_on,
        "seed": drawing.draws.seed,
        "settings": drawing.settings,
        "requested": count,
        "drawn": len(drawing.rows),
        "accepted": drawing.accepted,
        "copies": {
            "found": drawing.copies_found,
            "rate": drawing.settings["copy_rate"],
            "stated_rate": drawing.copies.rule.stated_rate if drawing.copies else None,
            "threshold": drawing.copies.rule.threshold if drawing.copies else None,
        },
        "distance_gate": None if gate is None else gate.as_json(),
    }


def _progress_bar(shown: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        disable=not shown,
    )
