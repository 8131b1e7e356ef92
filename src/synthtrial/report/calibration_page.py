"""The page of a calibration: tables, figures, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from synthtrial.atomic import atomic_folder
from synthtrial.calibration.wording import arm_table, rate_table, sentences, what_was_run
from synthtrial.report import calibration_figures as figures
from synthtrial.report import numbers
from synthtrial.report.blocks import Block, Heading, Picture, Section, Text, Words, text_table
from synthtrial.report.figure_files import write_picture
from synthtrial.report.page import render_page


def write_page(table: pd.DataFrame, sheet: Mapping[str, Any], folder: Path, *, title: str, dpi: int) -> None:
    """Write `report.html` and `figures/` of a calibration; an older report is replaced.

    Args:
        table: the rows of `trials.csv`.
        sheet: the content of `datasheet.json`.
        folder: the `report/` folder of the study.
        title: of the page.
        dpi: dots per inch of the figures.
    """
    sections = [Section("rates", "How often the verdict is wrong", rates(table, sheet))]
    sections.append(Section("power", "What it can see", power(table, sheet)))
    sections.append(Section("made", "How it was made", made(sheet)))
    with atomic_folder(folder) as partial:
        (partial / "figures").mkdir()
        blocks = [block for section in sections for block in section.blocks if isinstance(block, Picture)]
        pictures = {block.name: write_picture(block, partial / "figures", dpi) for block in blocks}
        page = render_page("calibration", title, head_facts(sheet), sections, pictures)
        (partial / "report.html").write_text(page, encoding="utf-8")


def head_facts(sheet: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The few facts under the title."""
    facts = sheet["design"]
    each = f"{facts['real_cases']} real cases, {facts['folds']} folds, {facts['test_patients']} test patients"
    return [
        ("Trials", str(sheet["trials"])),
        ("Stated error rate", f"{100 * sheet['alpha']:g} %"),
        ("Per trial", each),
        ("Protocol", facts["protocol"]),
    ]


def rates(table: pd.DataFrame, sheet: Mapping[str, Any]) -> list[Block]:
    """Error rates of every procedure."""
    same = [arm for arm, facts in sheet["arms"].items() if facts["truth"] == "same"]
    pictures = [
        Picture(
            name=f"null_p_values_{arm}",
            content=figures.null_p_values(table, arm),
            caption=f"p-values of {arm}, which does not differ from the reference, in order. Those of a sound test lie "
            "on the black line or above it; below it, differences are found where there are none.",
            alt=f"p-values of {arm} by procedure against uniform ones.",
        )
        for arm in same
    ]
    return [
        Words(sentences(sheet)),
        Picture(
            name="error_rates",
            content=figures.error_rates(sheet),
            caption="Share of trials with a wrong verdict on arms that have no effect, with 95 % intervals. The line "
            "is the stated error rate.",
            alt="Error rates of each procedure for each arm without an effect.",
        ),
        text_table(
            "error_rates_holm", rate_table(sheet, "verdict"), "With Holm's correction: as users get the verdict."
        ),
        text_table("error_rates_alone", rate_table(sheet, "alone"), "Without it: each arm as if it were the only one."),
        *pictures,
    ]


def power(table: pd.DataFrame, sheet: Mapping[str, Any]) -> list[Block]:
    """What is there, and how often it is found."""
    return [
        text_table("arms", arm_table(sheet), "Mean difference to the reference, and its spread over the trials."),
        Picture(
            name="power",
            content=figures.power_over_effect(table, sheet),
            caption="How often the crossed test finds an effect of each size. The curves add the effect to arms that "
            "have none, alike in all patients and trainings; one of several arms must pass the strictest step of "
            "Holm's correction. Effects that differ between patients are harder to see.",
            alt="Power over effect.",
        ),
    ]


def made(sheet: Mapping[str, Any]) -> list[Block]:
    """Where the numbers come from."""
    machine = sheet["machine"]
    return [
        Text(what_was_run(sheet)),
        Heading("This run"),
        Text(
            f"Made at revision {sheet['git_revision']} by {sheet['command']}, in {numbers.duration(sheet['wall_s'])} "
            f"with {machine['processes']} process(es) on {machine['system']}; a trial took "
            f"{numbers.duration(sheet['seconds_per_trial'])}, and {sheet['kept_trials']} trials had been done before."
        ),
    ]
