"""Cases that lie in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthtrial.fidelity.cases import Cases


class ArraySource:
    """Images and label maps as arrays; ids are their places."""

    unit = "HU"

    def __init__(self, images: np.ndarray, masks: np.ndarray, labels: Sequence[str]) -> None:
        self.images, self.masks, self.labels = images.astype(np.float32), masks.astype(np.uint8), list(labels)
        self.shape = images.shape[2:]
        self.spacing_mm = (1.0,) * len(self.shape)

    def window(self, case_id: str) -> tuple[float, float]:
        return -1000.0, 1000.0

    def image(self, case_id: str) -> np.ndarray:
        return self.images[int(case_id)]

    def mask(self, case_id: str) -> np.ndarray:
        return self.masks[int(case_id)]


def array_cases(images: np.ndarray, masks: np.ndarray, labels: Sequence[str] = ("lesion",)) -> Cases:
    """Cases of images `(n, C, *spatial)` and label maps `(n, *spatial)`."""
    return Cases(ArraySource(images, masks, labels), tuple(map(str, range(len(images)))))
