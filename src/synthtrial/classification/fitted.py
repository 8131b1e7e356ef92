"""A trained classifier, and the folder that keeps it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from synthtrial.atomic import atomic_folder, write_json
from synthtrial.supervised.case import TrainingCase
from synthtrial.supervised.curve import CurveRow

WEIGHTS, FACTS = "weights.safetensors", "fitted.json"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is to be said of a trained model.

    Attributes:
        curve: rows `step, loss, validation_loss`; a classic model has one, of step 0.
        final_loss: training loss of the last row.
        seconds: wall time of the training.
        steps: optimizer steps done; 0 for a classic model.
        convergence: empty when the model has learned, else in words why not.
        remark: words about a model that has learned, but would have learned more with more steps; else empty.
        chosen: keyword arguments of a classic model that inner folds chose; else empty.
    """

    curve: list[CurveRow]
    final_loss: float
    seconds: float
    steps: int
    convergence: str
    remark: str
    chosen: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Fitted(Facts):
    """A trained fold model; see `Facts`.

    Attributes:
        model: probabilities of the positive class by cases.
    """

    model: Callable[[Sequence[TrainingCase]], np.ndarray]

    def probabilities(self, cases: Sequence[TrainingCase]) -> np.ndarray:
        """Probabilities `(n,)` float64 of the positive class, of each case by itself: others change nothing."""
        return self.model(cases)


def write_fitted(folder: Path, fitted: Fitted, weights: Mapping[str, Any] | None = None) -> None:
    """Keep a finished model; a classic one has no weights, as it can be fitted again from its training cases."""
    with atomic_folder(folder) as partial:
        if weights is not None:
            from safetensors.torch import save_file

            save_file({key: tensor.contiguous() for key, tensor in weights.items()}, partial / WEIGHTS)
        write_json(partial / FACTS, {field.name: getattr(fitted, field.name) for field in fields(Facts)})


def read_facts(folder: Path) -> dict[str, Any]:
    """What is to be said of a finished model, from its folder: the keyword arguments of `Fitted` but for `model`."""
    return json.loads((folder / FACTS).read_text(encoding="utf-8"))
