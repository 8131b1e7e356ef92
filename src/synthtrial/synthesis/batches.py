"""Drawing batch by batch, and which cases are kept."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from synthtrial.cohorts.synthetic import voxel_ml
from synthtrial.fidelity.audit.copies import CopyDetector, Nearest
from synthtrial.synthesis.distance_gate import DistanceGate
from synthtrial.synthesis.draws import Draw, Draws
from synthtrial.synthesis.writing import CaseWriter, WrittenCase


class Drawing:
    """A synthetic cohort in the making.

    Args:
        name: of this way to draw; opens the ids of its cases.
        draws: the generator's draws.
        copies: tells copies of seen cases; None when they are kept.
        gate: judges batches; None when every whole case is kept.
        writer: writes cases.
        settings: how cases are drawn, see conf/synthesis.
        limit: most draws.

    Attributes:
        rows: of the manifest, one per draw.
        accepted: cases accepted so far.
        copies_found: cases rejected as copies so far.
    """

    def __init__(
        self,
        name: str,
        draws: Draws,
        copies: CopyDetector | None,
        gate: DistanceGate | None,
        writer: CaseWriter,
        settings: dict[str, Any],
        limit: int,
    ) -> None:
        self.name = name
        self.draws = draws
        self.copies = copies
        self.gate = gate
        self.writer = writer
        self.settings = settings
        self.limit = limit
        self.rows: list[dict[str, Any]] = []
        self.batches = 0
        self.accepted = 0
        self.copies_found = 0

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
        self.accepted += sum(row["accepted"] for row in self.rows[first:])
        self.copies_found += sum(row["reason"].startswith("copy of") for row in self.rows[first:])
        self.batches += 1

    def remarks(self, count: int) -> list[str]:
        """What the user should know, one line each."""
        lines = []
        if self.accepted < count:
            all_drawn = ", one per source case" if self.draws.translates else ", all that this generator keeps"
            why = all_drawn if len(self.rows) == self.draws.limit else ""
            lines.append(f"only {self.accepted} of {count} wanted cases were accepted in {len(self.rows)} draws{why}")
        if self.copies_found:
            lines.append(f"{self.copies_found} of {len(self.rows)} drawn cases were copies of training cases")
        if self.gate is not None:
            lines.append(self.gate.remark())
        return [line + "\n" for line in lines]

    def _row(self, index: int, drawn: Draw) -> dict[str, Any]:
        """Judge a case by itself, write it when it is accepted, and tell the manifest."""
        model, cohort, case = self.draws.model, self.draws.cohort, drawn.case
        nearest = self._nearest(drawn)
        reason = case.reason or (nearest.reason if nearest else "")
        case_id = f"{self.name}-{model['split']}-{index:05d}"
        written = WrittenCase() if reason else self.writer.write(case_id, case)
        return {
            "case_id": case_id,
            **{key: model[key] for key in ("generator", "split")},
            "weights_sha256": self.draws.weights_sha256,
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
