"""How often Wilcoxon over patients called an arm without effect different, as the data sheet has measured it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthtrial.calibration.datasheet import read_datasheet


def measured_rate() -> str:
    """The rate in words, of the data sheet that comes with the package."""
    return rate_in_words(read_datasheet())


def rate_in_words(sheet: Mapping[str, Any] | None) -> str:
    """The rate over all arms of a calibration that were the same data trained again; without one, what is known of it.

    Args:
        sheet: content of a `datasheet.json`, or None.
    """
    if sheet is None:
        return "it takes the luck of one training for an effect"
    null_arms = [arm for arm, facts in sheet["arms"].items() if facts["truth"] == "same"]
    found = [sheet["procedures"]["wilcoxon"]["arms"][arm]["alone"] for arm in null_arms]
    count, trials = (sum(share[name] for share in found) for name in ("count", "trials"))
    return f"it called a null arm different in {count} of {trials} calibration trials"
