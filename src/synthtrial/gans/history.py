"""Loss terms over a training: their means per logging interval, their averages, their extremes."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from synthtrial.atomic import atomic_file
from synthtrial.errors import TrainingError
from synthtrial.processes import averaged

SMOOTHING = 0.001
"""Weight of a new value in the moving average."""


@dataclass
class Term:
    """What is kept of one term, on its device.

    Attributes:
        interval, interval_count: sum and number of the values in the open interval.
        total, count, least, most: sum, number, minimum and maximum of all values.
        average: exponential moving average that started at zero.
    """

    interval: Tensor
    interval_count: int
    total: Tensor
    count: int
    least: Tensor
    most: Tensor
    average: Tensor

    @classmethod
    def new(cls, value: Tensor) -> Term:
        """A term without values, on the device of the first."""
        zero, infinite = torch.zeros_like(value), torch.full_like(value, math.inf)
        return cls(zero, 0, zero, 0, infinite, -infinite, zero)

    def add(self, value: Tensor) -> None:
        """Count one more value."""
        self.interval, self.interval_count = self.interval + value, self.interval_count + 1
        self.total, self.count = self.total + value, self.count + 1
        self.least, self.most = torch.minimum(self.least, value), torch.maximum(self.most, value)
        self.average = self.average + SMOOTHING * (value - self.average)

    @property
    def smooth(self) -> float:
        """The moving average, corrected for its start at zero as Adam's moments are."""
        return float(self.average) / (1 - (1 - SMOOTHING) ** self.count)


class LossHistory:
    """Collect named scalars on their device, and close them into one row per interval.

    Attributes:
        rows: one dict per interval: `images` (seen at its end), then the mean of every term.
        smooth: the same with the moving average of every term, `a <- 0.999 a + 0.001 v` over its values v.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.smooth: list[dict[str, float]] = []
        self._terms: dict[str, Term] = {}

    def add(self, name: str, value: Tensor) -> None:
        """Count one more value of a term, the mean over all processes. Nothing waits for the device here."""
        value = averaged(value.detach().float())
        self._terms.setdefault(name, Term.new(value)).add(value)

    def close_row(self, images: int) -> dict[str, float]:
        """End the interval at `images` images seen, and return its means.

        Raises:
            TrainingError: when a term is not finite.
        """
        open_terms = {name: term for name, term in self._terms.items() if term.interval_count}
        row = {name: float(term.interval) / term.interval_count for name, term in open_terms.items()}
        for name, mean in row.items():
            if not math.isfinite(mean):
                since = int(self.rows[-1]["images"]) if self.rows else 0
                raise TrainingError(
                    f"the loss term {name} became {mean} between {since} and {images} images: "
                    "lower the learning rates, or train with precision 32-true; "
                    "the last checkpoint was written before it"
                )
        for term in open_terms.values():
            term.interval, term.interval_count = torch.zeros_like(term.interval), 0
        self.rows.append({"images": images, **row})
        self.smooth.append({"images": images, **{name: term.smooth for name, term in open_terms.items()}})
        return self.rows[-1]

    def summary(self) -> list[dict[str, Any]]:
        """Per term the minimum, maximum and mean over all steps, and the moving average at the end."""
        return [
            {
                "term": name,
                "min": float(term.least),
                "max": float(term.most),
                "mean": float(term.total) / term.count,
                "average": term.smooth,
            }
            for name, term in self._terms.items()
        ]

    def state_dict(self) -> dict[str, Any]:
        """Everything; a checkpoint is written where no interval is open."""
        return {
            "rows": self.rows,
            "smooth": self.smooth,
            "terms": {name: vars(term).copy() for name, term in self._terms.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.rows, self.smooth = list(state["rows"]), list(state["smooth"])
        self._terms = {name: Term(**term) for name, term in state["terms"].items()}

    def write(self, folder: Path) -> None:
        """Write `losses.csv` (means), `losses_smooth.csv` (moving averages) and `losses_summary.csv` into a folder.

        The first two have `images`, then one column per term; a term that did not occur in an interval is empty.
        """
        summary = ("term", "min", "max", "mean", "average")
        tables = {"losses": (("images",), self.rows), "losses_smooth": (("images",), self.smooth)}
        for name, (first, rows) in {**tables, "losses_summary": (summary, self.summary())}.items():
            columns = list(dict.fromkeys([*first, *(column for row in rows for column in row)]))
            with (
                atomic_file(folder / f"{name}.csv") as partial,
                partial.open("w", newline="", encoding="utf-8") as file,
            ):
                writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
                writer.writeheader()
                for row in rows:
                    writer.writerow({k: v if isinstance(v, str) else f"{v:.6g}" for k, v in row.items()})
