"""Lesions found and missed, each counted once, however large it is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

FOUND_SHARE = 0.1
"""A lesion counts as found when at least this share of its voxels is covered."""


class LesionCounts(NamedTuple):
    """Connected components of one label in one case.

    Attributes:
        drawn: lesions of the reference.
        found: those of them that the prediction covers by at least a tenth.
        predicted: lesions of the prediction.
        confirmed: those of them that the reference covers by at least a tenth.
    """

    drawn: int
    found: int
    predicted: int
    confirmed: int

    @property
    def sensitivity(self) -> float:
        """Share of the drawn lesions that were found; with none drawn, 1 if none was predicted, else 0."""
        return self.found / self.drawn if self.drawn else float(self.predicted == 0)

    @property
    def precision(self) -> float:
        """Share of the predicted lesions that are confirmed; with none predicted, 1 if none was drawn, else 0."""
        return self.confirmed / self.predicted if self.predicted else float(self.drawn == 0)


def count_lesions(prediction: np.ndarray, reference: np.ndarray) -> LesionCounts:
    """Count the lesions of two masks `(*S)`, bool. Voxels that touch by a face, an edge or a corner are one lesion."""
    drawn, found = _covered(reference, prediction)
    predicted, confirmed = _covered(prediction, reference)
    return LesionCounts(drawn, found, predicted, confirmed)


def _covered(mask: np.ndarray, cover: np.ndarray) -> tuple[int, int]:
    """Number of components of a mask, and how many of them a second mask covers by at least `FOUND_SHARE`."""
    from scipy.ndimage import label

    components, n = label(mask, structure=np.ones((3,) * mask.ndim))
    sizes = np.bincount(components[mask], minlength=n + 1)[1:]
    covered = np.bincount(components[mask & cover], minlength=n + 1)[1:]
    return n, int((covered >= FOUND_SHARE * sizes).sum())
