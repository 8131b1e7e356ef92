"""A data sheet in plain words: the same numbers and sentences in the docs, on the page, and in every report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from synthtrial.calibration.procedures import PROCEDURES
from synthtrial.calibration.requirements import JUDGED_BY, shortcomings

USUAL = ("wilcoxon", "wilcoxon_single")
"""The procedures of the published habit."""


def in_words(share: Mapping[str, Any]) -> str:
    """A share of trials with its interval, such as `1.2 % (0.2 to 6.8 %)`."""
    return f"{100 * share['share']:.1f} % ({100 * share['low']:.1f} to {100 * share['high']:.1f} %)"


def rate_table(sheet: Mapping[str, Any], column: str) -> pd.DataFrame:
    """Share of the trials with a wrong verdict, by procedure and arm; for an arm that is better, in which it was found.

    Args:
        sheet: content of `datasheet.json`.
        column: `verdict`, with Holm's correction over the arms of a trial, or `alone`, each arm as if it were the only
            one.

    Returns:
        One row per procedure: `procedure`, a column per arm, and for `verdict` `any arm without an effect`, as text.
    """
    rows = []
    for name, title in PROCEDURES.items():
        found = sheet["procedures"][name]
        row = {"procedure": title}
        row |= {arm: in_words(shares[column]) for arm, shares in found["arms"].items()}
        if column == "verdict":
            row["any arm without an effect"] = in_words(found["any_wrong"])
        rows.append(row)
    return pd.DataFrame(rows)


def arm_table(sheet: Mapping[str, Any]) -> pd.DataFrame:
    """What is known of each arm and its effect over the trials: `arm, known, difference, spread`, as text."""
    known = {
        "same": "is the same: any verdict but `no evidence` is wrong",
        "not better": "can't help: `helps` is wrong",
        "better": "does help: must be found",
    }
    return pd.DataFrame(
        [
            {
                "arm": arm,
                "known": known[facts["truth"]],
                "difference": f"{facts['difference']:+.3f}",
                "spread": "" if facts["sd"] is None else f"{facts['sd']:.3f}",
            }
            for arm, facts in sheet["arms"].items()
        ]
    )


def sentences(sheet: Mapping[str, Any]) -> list[str]:
    """What a reader should take away."""
    alpha, judge = f"{100 * sheet['alpha']:g} %", sheet["procedures"][JUDGED_BY]
    nulls = [arm for arm, facts in sheet["arms"].items() if facts["truth"] != "better"]
    lines = [
        f"In {sheet['trials']} trials with nothing to find in {len(nulls)} arms, the verdict was wrong about any of "
        f"them in {in_words(judge['any_wrong'])} of the trials; stated are {alpha}."
    ]
    for arm, facts in sheet["arms"].items():
        if facts["truth"] == "better":
            lines.append(
                f"{arm}, whose effect is {facts['difference']:+.3f} on average, was found to help in "
                f"{in_words(judge['arms'][arm]['verdict'])} of the trials."
            )
    if sheet["smallest_found"] is not None:
        lines.append(
            f"A trial of this size finds an effect of {sheet['smallest_found']:.3f}, alike in all patients and "
            f"trainings, with a chance of {100 * sheet['power']:g} %."
        )
    same = next((arm for arm, facts in sheet["arms"].items() if facts["truth"] == "same"), None)
    if same is not None:
        ours, *usual = [in_words(sheet["procedures"][name]["arms"][same]["alone"]) for name in (JUDGED_BY, *USUAL)]
        lines.append(
            f"The usual test, Wilcoxon over patients, called the same data trained again different in {usual[0]} of "
            f"the trials on the ensembles of folds, and in {usual[1]} on one model per arm; the crossed test of this "
            f"trial in {ours}, likewise as if this were its only arm."
        )
    audit = sheet["audit"]
    lines.append(
        f"The audit caught the generator that copies in {audit['caught']['count']} of {audit['caught']['trials']} "
        f"trials ({100 * audit['flagged'][sheet['copier']]:.0f} % of its cases flagged, "
        f"{100 * audit['held_out_flagged']:.0f} % of held-out patients)."
    )
    return [*lines, *(f"Not met: {shortcoming}." for shortcoming in shortcomings(sheet))]


def what_was_run(sheet: Mapping[str, Any]) -> str:
    """The design of one trial in a sentence."""
    facts = sheet["design"]
    return (
        f"Each trial has its own patients of the phantom {facts['cohort']} at "
        f"{' x '.join(map(str, facts['shape']))}: {facts['real_cases']} real cases in {facts['folds']} folds, and "
        f"{facts['test_patients']} test patients. The segmenter {facts['segmenter']} takes {facts['steps']} steps of "
        f"{facts['batch_size']} cases, {facts['repeats']} time(s) per fold; the reference reaches a mean Dice of "
        f"{sheet['reference_mean']:.2f}. Protocol {facts['protocol']}, metric {facts['metric']}."
    )
