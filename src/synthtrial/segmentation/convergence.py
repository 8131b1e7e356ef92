"""Has a fold model learned? Rules on its curve, which name a failure in words."""

from __future__ import annotations

from collections.abc import Sequence

from synthtrial.supervised.curve import CurveRow, last_fifth, mean_loss

LEAST_FALL = 0.1
"""A loss that falls by a smaller share of where it began has not fallen."""

LEAST_DICE = 0.05
"""A model whose validation Dice ends lower finds next to nothing, however well it calls the background."""

LEAST_KEPT = 0.5
"""A model that ends with a smaller share of its best validation Dice has lost what it had learned."""


def why_not_learned(curve: Sequence[CurveRow]) -> str:
    """Say why a model has not learned, from the curve of its whole training; empty when it has.

    Args:
        curve: rows `step, loss, validation_dice`, in order; validation Dice is None between validations.
    """
    reasons = []
    first, last = mean_loss(curve[:1]), mean_loss(last_fifth(curve))
    if last > (1 - LEAST_FALL) * first:
        reasons.append(f"its loss did not fall ({first:.3g} at first, {last:.3g} at the end)")
    validations = [(dice, row["step"]) for row in curve if (dice := row["validation_dice"]) is not None]
    if validations:
        (at_end, end), (best, best_step) = validations[-1], max(validations)
        if at_end < LEAST_DICE:
            reasons.append(f"it finds next to nothing (validation Dice {at_end:.3f} at step {end:.0f})")
        if best >= LEAST_DICE and at_end < LEAST_KEPT * best:
            fall = f"{best:.2f} at step {best_step:.0f}, {at_end:.2f} at step {end:.0f}"
            reasons.append(f"it lost what it had learned (validation Dice {fall})")
    return "; ".join(reasons)
