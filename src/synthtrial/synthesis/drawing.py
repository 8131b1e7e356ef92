"""Drawing a synthetic cohort from a trained generator, with the provenance of every case."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from synthtrial import params
from synthtrial.atomic import atomic_folder, write_json
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import MANIFEST_COLUMNS, voxel_ml
from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.fidelity.audit.copies import CopyDetector, Nearest
from synthtrial.fidelity.cases import real_cases
from synthtrial.gans.dataset import seen_with_copies
from synthtrial.synthesis.distance_gate import DistanceGate, GateSettings
from synthtrial.synthesis.draws import Draw, Draws
from synthtrial.synthesis.writing import CaseWriter, WrittenCase


def synthesize(
    *,
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

    Case i's noise depends on the seed and i alone, and cases are drawn one at a time. So drawing more later
    keeps the first ones, and the same seed gives the same bytes.

    A case is rejected when its lesion is too small, when it is a copy of a case that the generator has seen, or when
    the batch that it was drawn in is too far from these cases.

    Args:
        model_folder: `models/<generator>/<split>/` of the study.
        cohort: the prepared cohort that the generator was trained on.
        folder: `synthetic/<generator>/<split>/`; replaced whole when all is written.
        count: accepted cases wanted.
        settings: the `synthesis` part of params.yaml: `threshold`, `components`, `min_lesion_voxels`, `limit_factor`,
            `masks`, `copy_rate`, `copy_limit`, `distance_gate`.
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
    gate = distance_gate(cohort, draws.model, settings["distance_gate"], cache, seed)
    window = median_window(cohort, draws.model["seen_cases"])
    with atomic_folder(folder) as partial, _progress_bar(progress) as bar:
        task = bar.add_task(f"draw {draws.model['generator']} {draws.model['split']}, cases", total=count)
        writer = CaseWriter(partial, window=window, spacing_mm=cohort.spacing_mm)
        drawing = Drawing(draws, copies, gate, writer, settings, limit)
        while drawing.accepted < count or not drawing.satisfied:
            if len(drawing.rows) == limit:
                break
            drawing.draw_batch()
            bar.update(task, completed=drawing.accepted)
        if drawing.accepted == 0:
            raise SynthtrialError(
                f"none of {limit} cases drawn from {model_folder} was accepted (the last one: "
                f"{drawing.rows[-1]['reason']}): look at its samples.png; train the generator longer, or lower what "
                "rejects cases: synthesis.threshold, min_lesion_voxels, copy_rate or distance_gate.threshold"
            )
        bar.console.print(*drawing.remarks(count), sep="\n", end="")
        pd.DataFrame(drawing.rows, columns=list(MANIFEST_COLUMNS)).to_csv(partial / "manifest.csv", index=False)
        write_json(partial / "synthetic.json", _facts(drawing, cohort, window, count))


class Drawing:
    """A synthetic cohort in the making.

    Args:
        draws: the generator's draws.
        copies: tells copies of seen cases; None when they are kept.
        gate: judges batches; None when every whole case is kept.
        writer: writes cases.
        settings: the `synthesis` part of params.yaml.
        limit: most draws.

    Attributes:
        rows: of the manifest, one per draw.
    """

    def __init__(
        self,
        draws: Draws,
        copies: CopyDetector | None,
        gate: DistanceGate | None,
        writer: CaseWriter,
        settings: dict[str, Any],
        limit: int,
    ) -> None:
        self.draws = draws
        self.copies = copies
        self.gate = gate
        self.writer = writer
        self.settings = settings
        self.limit = limit
        self.rows: list[dict[str, Any]] = []
        self.batches = 0

    @property
    def accepted(self) -> int:
        """Cases accepted so far."""
        return sum(row["accepted"] for row in self.rows)

    @property
    def satisfied(self) -> bool:
        """The gate asks for no more cases."""
        return self.gate is None or self.gate.satisfied

    def draw_batch(self) -> None:
        """Draw the next batch, of one case where there is no gate, and keep it or reject it."""
        size = 1 if self.gate is None else self.gate.settings.batch
        first = len(self.rows)
        features = []
        for index in range(first, min(first + size, self.limit)):
            drawn = self.draws(index)
            row = self._row(index, drawn)
            self.rows.append(row)
            if self.gate is not None and row["accepted"]:
                features.append(self.gate.features(drawn.case.image))
        if self.gate is not None and (reason := self.gate.judge(features)):
            for row in self.rows[first:]:
                self._withdraw(row, reason)
        self.batches += 1

    def remarks(self, count: int) -> list[str]:
        """What the user should know, one line each."""
        lines = []
        if self.accepted < count:
            once = ", one per source case" if self.draws.translates else ""
            lines.append(f"only {self.accepted} of {count} wanted cases were accepted in {len(self.rows)} draws{once}")
        if found := sum(row["reason"].startswith("copy of") for row in self.rows):
            lines.append(f"{found} of {len(self.rows)} drawn cases were copies of training cases")
        if self.gate is not None:
            judged = self.gate.judged
            passed = sum(batch.passed for batch in judged)
            floor = "" if self.gate.floor is None else f", real against real {self.gate.floor:.4g}"
            lines.append(
                f"{passed} of {len(judged)} batches were within {self.gate.metric} = {self.gate.settings.threshold:g}"
                f"{floor}"
            )
        return [line + "\n" for line in lines]

    def _row(self, index: int, drawn: Draw) -> dict[str, Any]:
        """Judge a case by itself, write it when it is accepted, and tell the manifest."""
        model, cohort, case = self.draws.model, self.draws.cohort, drawn.case
        nearest = self._nearest(drawn)
        reason = case.reason or (nearest.reason if nearest else "")
        case_id = f"{model['generator']}-{model['split']}-{index:05d}"
        written = WrittenCase() if reason else self.writer.write(case_id, case)
        return {
            "case_id": case_id,
            **{key: model[key] for key in ("generator", "split", "weights_sha256")},
            "seed": self.draws.seed,
            "index": index,
            "batch": self.batches,
            "label": drawn.label,
            "source_case": drawn.source_case,
            "threshold": self.settings["threshold"],
            "lesion_voxels": case.lesion_voxels,
            "lesion_ml": round(case.lesion_voxels * voxel_ml(cohort.spacing_mm), 6),
            "nearest_case": cohort.source_of(nearest.case_id) if nearest else "",
            "nearest_distance": round(nearest.distance, 6) if nearest else None,
            "copy_score": round(nearest.score, 6) if nearest else None,
            "accepted": not reason,
            "reason": reason,
            **asdict(written),
        }

    def _nearest(self, drawn: Draw) -> Nearest | None:
        """The nearest seen case; for a translation that of another patient, since it is made to keep its source."""
        if self.copies is None:
            return None
        cases = self.draws.cohort.cases
        source_patient = str(cases.at[drawn.source_case, "patient_id"]) if self.draws.translates else None
        return self.copies(drawn.case.image, without=source_patient)

    def _withdraw(self, row: dict[str, Any], reason: str) -> None:
        """Reject a case that had been accepted, with its files; one that had been rejected keeps its reason."""
        if row["accepted"]:
            self.writer.remove(WrittenCase(row["image"], row["mask"]))
            row.update(asdict(WrittenCase()), accepted=False, reason=reason)


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
    cohort: PreparedCohort, model: dict[str, Any], settings: dict[str, Any] | None, cache: Path, seed: int
) -> DistanceGate | None:
    """The gate that batches must pass; None where there are no settings for one."""
    if settings is None:
        return None
    checked = params.construct(GateSettings, settings, "synthesis.distance_gate")
    return DistanceGate(checked, real_cases(cohort, model["seen_cases"]), cache, seed)


def median_window(cohort: PreparedCohort, case_ids: list[str]) -> tuple[float, float]:
    """Median intensity window (low, high) of the cases, in the cohort's unit: the declared one where all share it."""
    windows = cohort.cases.loc[case_ids, ["intensity_low", "intensity_high"]]
    return float(windows["intensity_low"].median()), float(windows["intensity_high"].median())


def _facts(drawing: Drawing, cohort: PreparedCohort, window: tuple[float, float], count: int) -> dict[str, Any]:
    model, gate = drawing.draws.model, drawing.gate
    inherited = model["start_from"] or {}
    return {
        **{key: model[key] for key in ("generator", "split", "weights_sha256")},
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
            "found": sum(row["reason"].startswith("copy of") for row in drawing.rows),
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
