"""What a calibration must show, and where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

JUDGED_BY = "crossed"
"""The procedure that gives every study its verdict."""

ENOUGH_TRIALS = 60
"""With fewer, not even a rate without any error is known to 6 %."""


def shortcomings(sheet: Mapping[str, Any]) -> list[str]:
    """One sentence for each requirement that a data sheet does not meet; none where the instrument does what it says.

    Args:
        sheet: content of `datasheet.json`.
    """
    found = []
    if sheet["trials"] < ENOUGH_TRIALS:
        found.append(f"{sheet['trials']} trials are too few to know a rate by; needed are {ENOUGH_TRIALS}")
    for arm, shares in sheet["procedures"][JUDGED_BY]["arms"].items():
        truth, measured = sheet["arms"][arm]["truth"], shares["verdict"]
        if truth == "better" and measured["share"] < sheet["power"]:
            found.append(f"{arm} was found to help in {_of(measured)} trials; needed are {_percent(sheet['power'])}")
        if truth != "better" and measured["share"] > sheet["alpha"]:
            found.append(f"{arm} got a wrong verdict in {_of(measured)} trials; stated are {_percent(sheet['alpha'])}")
    together = sheet["procedures"][JUDGED_BY]["any_wrong"]
    if together["share"] > sheet["alpha"]:
        found.append(f"any verdict was wrong in {_of(together)} trials; stated are {_percent(sheet['alpha'])}")
    caught = sheet["audit"]["caught"]
    if caught["count"] < caught["trials"]:
        found.append(f"the audit caught {sheet['copier']} in {_of(caught)} trials, not in all")
    return found


def _of(measured: Mapping[str, Any]) -> str:
    return f"{measured['count']} of {measured['trials']}"


def _percent(value: float) -> str:
    return f"{100 * value:g} %"
