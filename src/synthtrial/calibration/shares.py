"""Shares of trials, with their intervals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from synthtrial.fidelity.audit.report import wilson_interval


def share(happened: Iterable[bool]) -> dict[str, Any]:
    """In how many trials something happened: `count, trials, share`, and `low, high` of the 95 % Wilson interval."""
    values = [bool(value) for value in happened]
    low, high = wilson_interval(sum(values), len(values))
    return {"count": sum(values), "trials": len(values), "share": sum(values) / len(values), "low": low, "high": high}
