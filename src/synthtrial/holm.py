"""Holm's correction for several comparisons with one reference."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given (Holm 1979, Scand J Stat 6:65).

    The k-th smallest of m is multiplied by m - k + 1, and none is smaller than one before it. Calling those below alpha
    different keeps the chance of any false call at alpha, whatever the dependence between the comparisons.
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted
