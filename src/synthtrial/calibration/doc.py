"""The data sheet in docs/calibration.md, rendered so that the page and the JSON can't differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from synthtrial.calibration.wording import arm_table, rate_table, sentences, what_was_run
from synthtrial.errors import SynthtrialError

START, END = "<!-- datasheet: written by pipelines/calibrate.py --publish -->", "<!-- end of the datasheet -->"


def with_datasheet(page: str, sheet: Mapping[str, Any] | None) -> str:
    """The page with the data sheet between its marks.

    Args:
        page: text of docs/calibration.md.
        sheet: content of `datasheet.json`, or None where none is published.

    Raises:
        SynthtrialError: when the page lacks the marks.
    """
    if page.count(START) != 1 or page.count(END) != 1:
        raise SynthtrialError(f"docs/calibration.md must have the lines {START!r} and {END!r} once each")
    before, _, rest = page.partition(START)
    return f"{before}{START}\n{markdown(sheet)}\n{END}{rest.partition(END)[2]}"


def markdown(sheet: Mapping[str, Any] | None) -> str:
    """The data sheet in Markdown."""
    if sheet is None:
        return "\nNo calibration has been published with this copy of synthtrial.\n"
    made = f"Made at revision {sheet['git_revision']} by `{sheet['command']}`"
    side_by_side = sheet["machine"]["processes"]
    minutes = sheet["trials"] * sheet["seconds_per_trial"] / side_by_side / 60
    effort = (
        f"{sheet['trials']} trials of {sheet['seconds_per_trial']:.0f} s, {side_by_side} side by side, "
        f"about {minutes:.0f} minutes"
    )
    parts = [
        what_was_run(sheet),
        "\n".join(f"- {sentence}" for sentence in sentences(sheet)),
        "What is known of each arm, and its measured effect (mean over the trials, and their spread):",
        table(arm_table(sheet)),
        "Verdicts as users get them, with Holm's correction over the arms. For each arm the share of trials with a "
        "wrong verdict; for an arm that does help, the share in which it was found. In brackets the 95 % Wilson "
        "interval.",
        table(rate_table(sheet, "verdict")),
        "The same without Holm's correction: each arm as if it were the only one of its trial.",
        table(rate_table(sheet, "alone")),
        f"{made}: {effort}.",
    ]
    return "\n" + "\n\n".join(parts) + "\n"


def table(frame: pd.DataFrame) -> str:
    """A table of texts in Markdown."""
    lines = [list(frame.columns), ["---"] * len(frame.columns), *frame.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
