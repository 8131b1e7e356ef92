"""When is a case too close to a training case: the rule, and where its threshold comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

import numpy as np

from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.fidelity.audit.alignment import Alignment

USUAL = 5
"""How many next nearest patients say which distance is usual around a case."""

SAME_IMAGE = 0.1
"""Cases of two patients with a score below this are the same image."""

LIMIT = 0.5
"""A copy is at least twice as close as usual."""


def nearest_of_patients(distances: np.ndarray, patients: Sequence[str], count: int) -> list[int]:
    """The nearest case of each of the nearest patients, nearest first; cases at an infinite distance are none.

    Args:
        distances: of all cases `(n,)`.
        patients: the patient of each.
        count: of patients.
    """
    found: dict[str, int] = {}
    for case in np.argsort(distances, kind="stable").tolist():
        if len(found) == count or not np.isfinite(distances[case]):
            break
        found.setdefault(patients[case], case)
    return list(found.values())


@dataclass(frozen=True)
class Neighbour:
    """A training case, as seen from another case.

    Attributes:
        case: its place among the training cases.
        distance: from that other case.
        alignment: how it was moved for this distance; None in feature space.
    """

    case: int
    distance: float
    alignment: Alignment | None = None


class CopyRule:
    r"""Score a case by how much closer it is to one training case than is usual, and flag what real cases never do.

    A case q with nearest training case t scores

    .. math:: s(q) = d(q, t) / \min(u(q), u(t))

    where u is the usual distance around a case: the mean distance to its 5 nearest other patients. Dividing by u(q) is
    the score of Carlini et al. 2023 ("Extracting training data from diffusion models", arXiv 2301.13188): a copy is
    far closer to one case than to all others, while a blurred average is close to many. Dividing by the smaller of
    both makes the score the same from both sides.

    The threshold comes from the training cases alone. Each gets the score that it would have had without its patient's
    cases among the training ones, and a patient's score is the smallest of its cases. With n patients, a case is
    flagged when its score is below the k-th smallest, k = max(1, floor(rate (n + 1)) - 1).

    **Why few real cases are flagged.** Take the n training patients and a further one of the same kind: n + 1 who
    could each, with equal chance, be the one held out. Sort them by their score within all n + 1. The one held out can
    be flagged only if fewer than k others are closer than it is: the k first, and one more where the k-th and the next
    are each other's nearest, which ties them and hides from the threshold the very pair that sets it. So it is
    flagged with a chance of at most

    .. math:: (k + 1) / (n + 1)

    which is `stated_rate`: at most `rate` from 2 / rate - 1 patients on, and the least that can be promised with fewer.
    It is twice what counting ranks suggests, for the reason that leave-one-out intervals lose twice their level in the
    worst case (Barber et al. 2021, Ann. Statist. 49, 486, theorem 1). The count is exact for a score that depends on
    the pair alone; here u also depends on the other cases, a little, and the tests hold the rate by simulation. It is
    the rate of patients with any case flagged, over cohorts: one cohort's own rate scatters about it.

    With fewer patients the threshold is lowered further, to where `rate` would lie if the smallest scores follow a
    power law (the tail estimate of Hill 1975 and Weissman 1978). So the rate aimed at is `rate`, and the bound is
    `stated_rate`. And whatever real cases do, a copy is closer than `limit` times the usual distance: where real cases
    all lie equally far apart, as crops of one organ do, a score of 0.8 is rare but no sign of copying.

    Training cases of two patients that score below 0.1 are one image listed twice (public cohorts have such), and would
    pull the threshold to zero. They count as one patient, and are listed in `duplicates`. By the same token any case
    that scores below 0.1 is flagged, a held-out one too.

    Args:
        neighbours: for each training case its nearest cases of other patients, one per patient, nearest first.
        patients: the patient of each training case.
        rate: share of held-out patients that may be flagged.
        limit: highest threshold of the score, from 0.1 to 1.

    Attributes:
        scores: leave-one-out score of each training case `(n,)`.
        distances: leave-one-out distance of each to its nearest case of another patient `(n,)`.
        threshold: cases with a smaller score are flagged.
        stated_rate: bound of the share of held-out patients that are flagged.
        duplicates: pairs of training cases that are one image.

    Raises:
        ConfigError: for a rate or a limit out of range.
        SynthtrialError: for fewer than 3 patients.
    """

    def __init__(
        self, neighbours: Sequence[Sequence[Neighbour]], patients: Sequence[str], rate: float, limit: float = LIMIT
    ) -> None:
        if not 0 < rate < 1:
            raise ConfigError(f"the rate of real cases taken for copies must be above 0 and below 1, not {rate}")
        if not SAME_IMAGE <= limit <= 1:
            raise ConfigError(f"the limit of a copy's score must be from {SAME_IMAGE} to 1, not {limit}")
        self._patients = list(patients)
        self._neighbours = [list(row) for row in neighbours]
        self.duplicates: list[tuple[int, int]] = []
        self._check_patients()
        while new := self._score_training():
            self.duplicates += new
            self._join(new)
            self._check_patients()
        smallest: dict[str, float] = {}
        for patient, score in zip(self._patients, self.scores.tolist(), strict=True):
            smallest[patient] = min(score, smallest.get(patient, np.inf))
        of_patient = np.sort(list(smallest.values()))
        n = len(of_patient)
        k = max(1, floor(rate * (n + 1) + 1e-9) - 1)
        self.stated_rate = (k + 1) / (n + 1)
        lowered = of_patient[k - 1] * tail_factor(of_patient, min(1.0, rate / self.stated_rate))
        self.threshold = min(limit, max(SAME_IMAGE, float(lowered)))

    def __call__(self, neighbours: Sequence[Neighbour]) -> tuple[float, bool]:
        """Score of a case that is no training case, and whether it is flagged, from its nearest training cases."""
        score = self._score(neighbours, None)
        return score, score < self.threshold

    def _score(self, neighbours: Sequence[Neighbour], patient: str | None) -> float:
        nearest = neighbours[0]
        around_query = self._usual(neighbours, self._patients[nearest.case])
        around_nearest = self._usual(self._neighbours[nearest.case], patient)
        usual = min(around_query, around_nearest)
        return nearest.distance / usual if usual > 0 else 1.0

    def _usual(self, neighbours: Sequence[Neighbour], without: str | None) -> float:
        distances = [one.distance for one in neighbours if self._patients[one.case] != without]
        return float(np.mean(distances[:USUAL]))

    def _score_training(self) -> list[tuple[int, int]]:
        """Leave-one-out scores and distances of all training cases; returns the pairs that are one image."""
        self.scores = np.array([self._score(row, p) for row, p in zip(self._neighbours, self._patients, strict=True)])
        self.distances = np.array([row[0].distance for row in self._neighbours])
        close = [(int(case), self._neighbours[case][0].case) for case in np.flatnonzero(self.scores < SAME_IMAGE)]
        return sorted({(min(pair), max(pair)) for pair in close})

    def _join(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Make one patient of the patients of each pair."""
        for first, second in pairs:
            kept, gone = sorted((self._patients[first], self._patients[second]))
            self._patients = [kept if patient == gone else patient for patient in self._patients]
        self._neighbours = [
            [one for one in row if self._patients[one.case] != patient]
            for row, patient in zip(self._neighbours, self._patients, strict=True)
        ]

    def _check_patients(self) -> None:
        count = len(set(self._patients))
        if count < 3 or any(len({self._patients[one.case] for one in row}) < 2 for row in self._neighbours):
            raise SynthtrialError(
                f"the look for copies needs training cases of at least 3 patients that differ, to know what distances "
                f"are usual, and has {count}: add cases, or switch it off"
            )


def tail_factor(scores: np.ndarray, share: float) -> float:
    r"""How far below the smallest score a share of that score's own rate is to be expected.

    .. math:: p^{1 / a}, \qquad 1 / a = \frac{1}{m - 1} \sum_{i < m} \log \frac{s_m}{s_i}

    but at least 0.5, with the exponent a of a power law from the m smallest scores, a quarter of all and at least 4
    (Hill 1975, Ann. Statist. 3, 1163; Weissman 1978).

    Args:
        scores: sorted, above 0.
        share: p, from above 0 to 1.
    """
    smallest = scores[: max(min(4, len(scores)), len(scores) // 4)]
    return max(0.5, float(share ** np.log(smallest[-1] / smallest[:-1]).mean()))
