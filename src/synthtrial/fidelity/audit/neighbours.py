"""The nearest training case by features, with the same rule as for pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.audit.copies import PATIENTS, Nearest
from synthtrial.fidelity.audit.rule import LIMIT, CopyRule, Neighbour, nearest_of_patients


class FeatureNeighbours:
    """Say for a case which training case has the most similar features, and whether they are too similar.

    Features are standardised by the training cases, those that never change are dropped, and the distance is the
    root mean square difference of what remains: 1.4 is usual for two unrelated cases if features are independent.
    Pooled features don't notice small shifts and, many of them, not mirroring; they see copies with altered voxels that
    pixels miss. But they can't tell two cases apart whose pooled texture is the same: a case flagged by features
    alone is one to look at, not a copy proven. Mirrored training cases are not added: with an extractor that does
    notice mirroring, a mirrored copy may go unseen here, and pixels catch it.

    Args:
        features: of the training cases `(n, d)`.
        case_ids: their ids.
        patients: their patients, at least 3.
        rate: share of held-out real patients that may be flagged.
        limit: highest threshold of the score: a copy is closer than this share of the usual distance.

    Attributes:
        rule: the threshold, the stated rate, and the training cases' own scores.

    Raises:
        ConfigError: for a rate or a limit out of range.
        SynthtrialError: for fewer than 3 patients, or features that are not finite, or the same for all cases.
    """

    def __init__(
        self,
        features: np.ndarray,
        case_ids: Sequence[str],
        patients: Sequence[str],
        *,
        rate: float,
        limit: float = LIMIT,
    ) -> None:
        self.case_ids = tuple(case_ids)
        self._patient_of = tuple(patients)
        self._patients = np.array(patients)
        deviations = features.std(axis=0)
        self._used = deviations > 1e-9 * np.maximum(np.abs(features).max(axis=0), 1e-300)
        if not np.isfinite(features).all() or not self._used.any():
            raise SynthtrialError(
                "the training cases' features are not finite, or the same for all: look at the images"
            )
        self._deviations = deviations[self._used]
        self._features = features[:, self._used] / self._deviations
        own = zip(features, patients, strict=True)
        self.rule = CopyRule([self.neighbours(row, patient) for row, patient in own], patients, rate, limit)

    def __call__(self, features: np.ndarray) -> Nearest:
        """The training case nearest to a case with features `(d,)` that is no training case itself."""
        if not np.isfinite(features).all():
            raise SynthtrialError("a case's features have NaN or infinite values and can't be compared: look at it")
        neighbours = self.neighbours(features)
        score, copy = self.rule(neighbours)
        nearest = neighbours[0]
        return Nearest(self.case_ids[nearest.case], nearest.distance, score, self.rule.threshold, copy)

    def neighbours(self, features: np.ndarray, without: str | None = None) -> list[Neighbour]:
        """The nearest training case of each of the nearest patients, nearest first, without one patient's cases."""
        distances = self.distances(features)
        distances[self._patients == without] = np.inf
        nearest = nearest_of_patients(distances, self._patient_of, PATIENTS)
        return [Neighbour(case, float(distances[case])) for case in nearest]

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Distances `(n,)` of a case with features `(d,)` to all training cases."""
        difference = self._features - features[self._used] / self._deviations
        return np.sqrt(np.square(difference).mean(axis=1))
