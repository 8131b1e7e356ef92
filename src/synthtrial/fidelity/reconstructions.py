"""Real cases as a generator with an encoder gives them back."""

from __future__ import annotations

import numpy as np
import torch

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.fidelity.cases import Cases, real_cases
from synthtrial.gans.dataset import RealCases
from synthtrial.gans.generator import Generator


class Reconstructions:
    """Seen cases, encoded and generated again as they are asked for.

    Args:
        generator: a trained generator whose `reconstruct` gives cases back.
        cases: the real cases that it has seen.
    """

    def __init__(self, generator: Generator, cases: RealCases) -> None:
        self.generator = generator
        self.cases = cases
        self.labels = cases.cohort.labels
        self.shape = cases.cohort.shape
        self.spacing_mm = cases.cohort.spacing_mm
        self.unit = cases.cohort.unit

    def window(self, case_id: str) -> tuple[float, float]:
        return self.cases.cohort.window(case_id)

    def image(self, case_id: str) -> np.ndarray:
        """The image `(C, *spatial)` that comes back."""
        image, _ = self._decoded(case_id)
        return np.clip(image, -1, 1).astype(np.float32)

    def mask(self, case_id: str) -> np.ndarray:
        """The mask `(*spatial)` that comes back: in each voxel the label of the highest score above 0."""
        _, scores = self._decoded(case_id)
        if len(scores) == 0:
            return np.zeros(self.shape, np.uint8)
        return np.where(scores.max(axis=0) > 0, scores.argmax(axis=0) + 1, 0).astype(np.uint8)

    def _decoded(self, case_id: str) -> tuple[np.ndarray, np.ndarray]:
        label = torch.tensor([self.cases.roles.label.get(case_id, -1)], device=self.generator.device)
        with torch.inference_mode():
            again = self.generator.reconstruct(self.cases.encoded(case_id)[None].to(self.generator.device), label)
        assert again is not None
        return self.cases.representation.decode(again[0].float().cpu().numpy())


def reconstructions(generator: Generator, cases: RealCases, cohort: PreparedCohort) -> tuple[Cases, Cases] | None:
    """The seen cases and what comes back of each; None for a family without an encoder."""
    seen = real_cases(cohort, cases.roles.real)
    with torch.inference_mode():
        if generator.reconstruct(cases.encoded(seen.case_ids[0])[None].to(generator.device), None) is None:
            return None
    return seen, Cases(Reconstructions(generator, cases), seen.case_ids, seen.patients)
