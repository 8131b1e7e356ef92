"""Copies of training cases in pixel space, exact or mirrored, shifted by a voxel or two, with a little noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.audit.alignment import Alignment, best_shift
from synthtrial.fidelity.audit.coarse import CoarseCases
from synthtrial.fidelity.audit.rule import LIMIT, CopyRule, Neighbour, nearest_of_patients
from synthtrial.fidelity.cases import Cases

PATIENTS, CASES = 8, 4
"""Compared at full resolution: the nearest case of so many patients, and so many nearest cases of any."""


@dataclass(frozen=True)
class Nearest:
    """The training case nearest to a case.

    Attributes:
        case_id: the training case.
        distance: in pixel space the root mean square difference in units of [-1, 1], with brightness matched and over
            2 voxels per axis averaged; 0 for an exact copy.
        score: that distance as a share of the usual one; see `CopyRule`.
        threshold: of the score.
        copy: whether the score is below it.
        alignment: how the training case is moved onto the other one; None in feature space.
    """

    case_id: str
    distance: float
    score: float
    threshold: float
    copy: bool
    alignment: Alignment | None = None

    @property
    def reason(self) -> str:
        """Why the gate rejects a drawn case: `copy of case_7 (distance 0.012, ...)`; empty where it does not."""
        if not self.copy:
            return ""
        moved = f", {self.alignment}" if self.alignment and str(self.alignment) else ""
        return (
            f"copy of {self.case_id} (distance {self.distance:.3f}, {self.score:.2f} of the usual one, "
            f"limit {self.threshold:.2f}{moved})"
        )


class CopyDetector:
    """Say for an image which training case is nearest, and whether it is a copy of it.

    First the image, mirrored in all ways and shifted by up to 2 voxels, is compared with every training case on a
    coarse grid. Then the few nearest ones are read from disk and compared voxel by voxel at the best shift; the
    border of 2 voxels takes no part. A planted copy has a distance near 0, with 1 % noise of 0.01; real cases of
    different patients lie 0.1 to 0.4 apart on the real cohorts tried. `CopyRule` makes a score of this and flags, of
    held-out real patients, at most the stated rate.

    It can't see copies that are rotated, scaled or deformed, shifted by more than 2 voxels, copies of a part of the
    image only, or much altered intensities. The features do see some of these.

    Args:
        training: the cases that the generator has seen, of at least 3 patients; altered copies may be among them, with
            the patient that they come from. They are kept at about 5 KiB each.
        rate: share of held-out real patients that may be flagged.
        limit: highest threshold of the score: a copy is closer than this share of the usual distance.

    Attributes:
        rule: the threshold, the stated rate, and the training cases' own scores.

    Raises:
        ConfigError: for a rate or a limit out of range.
        SynthtrialError: for fewer than 3 patients, or images that are not finite or of another shape.
    """

    def __init__(self, training: Cases, *, rate: float, limit: float = LIMIT) -> None:
        self.training = training
        self._patients = np.array(training.patients)
        if len(set(training.patients)) < 3:
            raise SynthtrialError(
                f"the look for copies needs training cases of at least 3 patients, to know what distances are usual, "
                f"and has {len(set(training.patients))}: add cases, or switch it off"
            )
        images = (self._checked(image, case) for image, case in zip(training.images(), training.case_ids, strict=True))
        self._coarse = CoarseCases(images, training.source.shape)
        own = zip(training.images(), training.patients, strict=True)
        self.rule = CopyRule(
            [self.neighbours(image, patient) for image, patient in own], training.patients, rate, limit
        )

    def __call__(self, image: np.ndarray, *, without: str | None = None) -> Nearest:
        """The training case nearest to an image that is no training case itself.

        Args:
            image: `(C, *spatial)` in [-1, 1].
            without: a patient whose cases are left out: that of a translation's source, which it is made to resemble.
        """
        neighbours = self.neighbours(self._checked(image, "the image to look at"), without)
        score, copy = self.rule(neighbours)
        nearest = neighbours[0]
        case_id = self.training.case_ids[nearest.case]
        return Nearest(case_id, nearest.distance, score, self.rule.threshold, copy, nearest.alignment)

    def neighbours(self, image: np.ndarray, without: str | None = None) -> list[Neighbour]:
        """The nearest training case of each of the nearest patients, nearest first.

        Args:
            image: `(C, *spatial)` in [-1, 1].
            without: a patient whose cases are left out.
        """
        coarse = self._coarse(image)
        coarse[self._patients == without] = np.inf
        nearest: dict[str, Neighbour] = {}
        for case in self._candidates(coarse.min(axis=1)):
            mirrored = self._coarse.mirrorings[coarse[case].argmin()]
            distance, alignment = best_shift(image, self._image(case), mirrored)
            patient = self._patients[case]
            if patient not in nearest or distance < nearest[patient].distance:
                nearest[patient] = Neighbour(case, distance, alignment)
        return sorted(nearest.values(), key=lambda one: (one.distance, one.case))

    def _candidates(self, distances: np.ndarray) -> list[int]:
        nearest = [
            case for case in np.argsort(distances, kind="stable")[:CASES].tolist() if np.isfinite(distances[case])
        ]
        return sorted({*nearest, *nearest_of_patients(distances, self.training.patients, PATIENTS)})

    def _image(self, case: int) -> np.ndarray:
        return self.training.source.image(self.training.case_ids[case])

    def _checked(self, image: np.ndarray, name: str) -> np.ndarray:
        shape = tuple(self.training.source.shape)
        if image.shape[1:] != shape:
            raise SynthtrialError(f"{name} has shape {image.shape[1:]}, but the training cases have {shape}")
        if not np.isfinite(image).all():
            raise SynthtrialError(f"{name} has NaN or infinite voxels and can't be compared: look at it")
        return image
