"""Means of the loss terms per logging interval, and the watch for values that are not finite."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

from torch import Tensor

from synthtrial.atomic import atomic_file
from synthtrial.errors import TrainingError


class LossHistory:
    """Collect named scalars on their device, and close them into one row of means per interval.

    Attributes:
        rows: one dict per interval: `images` (seen at its end), then the mean of every term.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, name: str, value: Tensor) -> None:
        """Count one more value of a term. Nothing waits for the device here."""
        value = value.detach().float()
        self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._counts[name] = self._counts.get(name, 0) + 1

    def close_row(self, images: int) -> dict[str, float]:
        """End the interval at `images` images seen, and return its means.

        Raises:
            TrainingError: when a term is not finite.
        """
        row = {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        for name, mean in row.items():
            if not math.isfinite(mean):
                since = int(self.rows[-1]["images"]) if self.rows else 0
                raise TrainingError(
                    f"the loss term {name} became {mean} between {since} and {images} images: "
                    "lower the learning rates, or train with precision 32-true; "
                    "the last checkpoint was written before it"
                )
        self._sums, self._counts = {}, {}
        row = {"images": images, **row}
        self.rows.append(row)
        return row

    def state_dict(self) -> dict[str, Any]:
        """The closed rows; checkpoints are written where no interval is open."""
        return {"rows": self.rows}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from the rows of a checkpoint."""
        self.rows = list(state["rows"])

    def write(self, path: Path) -> None:
        """Write `losses.csv`: `images`, then one column per term; a term that did not occur in an interval is empty."""
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        with atomic_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in self.rows)
