"""The curve of a training, and what can be read from the losses on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

CurveRow = dict[str, float | None]
"""`step`, `loss`, and a measure of the validation cases, which is None between validations."""

Log = Callable[[dict[str, float], int], None]
"""Called while a model is trained, with what was measured, by name, and the step."""

STEEP_FALL = 0.2
"""Where the loss of the last fifth of a training is lower by this share than that of the fifth before, it goes on."""


def unfinished(phase: Sequence[CurveRow]) -> str:
    """Say so when the loss was still falling steeply at the end of a training's last phase; empty when not.

    The model has learned, so this is a remark and no failure: with more steps it would have learned more.
    """
    end = last_fifth(phase)
    before = phase[-2 * len(end) : -len(end)]
    if not before or mean_loss(end) > (1 - STEEP_FALL) * mean_loss(before):
        return ""
    fall = f"{mean_loss(before):.3g} to {mean_loss(end):.3g}"
    return f"its loss was still falling at the end ({fall}): more steps would help"


def last_fifth(rows: Sequence[CurveRow]) -> Sequence[CurveRow]:
    """The rows at the end of a curve; one at least."""
    return rows[-max(1, len(rows) // 5) :]


def mean_loss(rows: Sequence[CurveRow]) -> float:
    """Mean training loss of some rows."""
    return fmean(row["loss"] or 0.0 for row in rows)
