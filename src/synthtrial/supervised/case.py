"""A case that a model learns from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Sample = dict[str, np.ndarray]
"""`image`, float32 `(C, *S)` in [-1, 1], and what is to be learned of it: `mask`, the label map, uint8 `(1, *S)`, or
`label`, the class, int64 `()`."""


@dataclass(frozen=True)
class TrainingCase:
    """One case to train or validate on.

    Attributes:
        case_id: its id.
        source: `real` or `synthetic`.
        loader: returns the image and its target. It is called each time the case is drawn, so that no more than one
            batch is in memory.
    """

    case_id: str
    source: str
    loader: Callable[[], Sample]
