"""Dealing patients one by one to parts of given shares, alike in sites and classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from synthtrial.cohorts.case import CaseRef

ByPatient = Mapping[str, list[CaseRef]]
"""The cases of each patient."""


def deal(by_patient: ByPatient, shares: Sequence[float], rng: np.random.Generator, positive: str) -> dict[str, int]:
    """Deal each patient to the part that lacks most: of the patient's stratum and over all.

    Those with many cases come first.

    Args:
        by_patient: the cases of each patient.
        shares: part of the cases for each part; they sum to 1.
        rng: of the order in which equal patients are dealt.
        positive: patients with a case of this class are dealt before all others, by their positive cases; "": none.

    Returns:
        Patient -> index of the part.
    """
    patients = sorted(by_patient)
    rng.shuffle(patients)
    dealer = _Dealer(by_patient, shares, positive)
    patients.sort(key=lambda patient: (-dealer.positives(patient), -len(by_patient[patient])))
    # Positive cases decide by themselves; over all, the many others make good what these patients' cases upset.
    dealer.deal([patient for patient in patients if dealer.positives(patient)], weight_of_all=0.01)
    dealer.deal([patient for patient in patients if not dealer.positives(patient)], weight_of_all=1.0)
    return dealer.part_of


class _Dealer:
    """What each part has so far, and lacks."""

    def __init__(self, by_patient: ByPatient, shares: Sequence[float], positive: str) -> None:
        self.by_patient, self.shares, self.positive = by_patient, np.array(shares), positive
        self.parts = [part for part, share in enumerate(shares) if share > 0]
        self.part_of: dict[str, int] = {}
        self.lacking = np.zeros(len(shares))
        size: Counter[tuple[str, str]] = Counter()
        for patient in by_patient:
            size.update(self._cases_of_strata(patient))
        self.lacking_of = {stratum: self.shares * count for stratum, count in size.items()}

    def positives(self, patient: str) -> int:
        """Number of a patient's positive cases."""
        return sum(case.label == self.positive for case in self.by_patient[patient]) if self.positive else 0

    def deal(self, patients: Sequence[str], weight_of_all: float) -> None:
        """Deal some patients, in this order.

        Args:
            patients: they alone are dealt; what a part has too much of others it gets less of these.
            weight_of_all: what a case that is lacking over all counts, beside one of the patient's stratum.
        """
        self.lacking += self.shares * sum(len(self.by_patient[patient]) for patient in patients)
        for patient in patients:
            need = weight_of_all * self.lacking + self.lacking_of[self._stratum(patient)]
            parts = self._open()
            part = parts[int(np.argmax(need[parts]))]
            self.part_of[patient] = part
            self.lacking[part] -= len(self.by_patient[patient])
            for stratum, count in self._cases_of_strata(patient).items():
                self.lacking_of[stratum][part] -= count

    def _open(self) -> list[int]:
        """The parts that the next patient may go to: the empty ones, when no more patients are left than these."""
        left = len(self.by_patient) - len(self.part_of)
        if left > len(self.parts):
            return self.parts
        filled = set(self.part_of.values())
        empty = [part for part in self.parts if part not in filled]
        return empty if left <= len(empty) else self.parts

    def _stratum(self, patient: str) -> tuple[str, str]:
        """Site, and the positive class if any case has it, else the most frequent class."""
        cases = self.by_patient[patient]
        label = Counter(case.label for case in cases).most_common(1)[0][0]
        return cases[0].site, self.positive if self.positives(patient) else label

    def _cases_of_strata(self, patient: str) -> Counter[tuple[str, str]]:
        """A patient's cases by site and class; without a positive class all count in the patient's stratum."""
        cases = self.by_patient[patient]
        if not self.positive:
            return Counter({self._stratum(patient): len(cases)})
        return Counter((cases[0].site, case.label) for case in cases)
