"""Has a network learned? A rule on the curve of its training loss, which names a failure in words."""

from __future__ import annotations

from collections.abc import Sequence

from synthtrial.supervised.curve import CurveRow, last_fifth, mean_loss

LEAST_GAIN = 0.05
"""A network has to end with a training loss that is lower by this share than that of one answer for all cases."""


def why_not_learned(phase: Sequence[CurveRow], constant: float) -> str:
    """Say why a network has not learned, from the curve of its last phase; empty when it has.

    Args:
        phase: rows `step, loss, validation_loss`, in order. The loss is that of training, with its weights.
        constant: the same loss of the best answer that is the same for all cases: for cross-entropy, that of always
            answering the share of the positive class in the training set.
    """
    last = mean_loss(last_fifth(phase))
    if last <= (1 - LEAST_GAIN) * constant:
        return ""
    return f"it is hardly better than one answer for all cases (loss {last:.3g} at the end, {constant:.3g} for that)"
