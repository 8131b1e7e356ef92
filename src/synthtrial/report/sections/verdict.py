"""The verdict: per arm helps, harms or no evidence, with its effect and interval."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from synthtrial.report import numbers
from synthtrial.report.blocks import Banner, Block, Card, Cards, Column, Heading, Picture, Section, Table, Text, Words
from synthtrial.report.figure_style import FAINT, INK, house_style, light_grid, new_figure
from synthtrial.report.protocols import describe
from synthtrial.report.results import Results
from synthtrial.report.tables import verdict_frame
from synthtrial.trial.verdict import in_words


def section(results: Results) -> Section:
    """The first section of the page."""
    blocks: list[Block] = []
    protocol = describe(results.protocol)
    if protocol.leaky:
        blocks.append(
            Banner("LEAKY", f"{protocol.seen} The differences below are not evidence that synthetic data helps.")
        )
    blocks.append(Words([headline(results), *(typeset(sentence) for sentence in in_words(results.verdict))]))
    for segmenter in results.segmenters:
        blocks += segmenter_blocks(results, segmenter)
    blocks += [Heading("What was tested"), Text(what_the_test_is(results)), Text(what_is_what(results))]
    return Section("verdict", "Verdict", blocks)


def headline(results: Results) -> str:
    """How many arms help, harm, or show no evidence, in one sentence."""
    words = [
        row["verdict"]
        for model in results.verdict["models"].values()
        for arm, row in model["arms"].items()
        if arm != results.reference
    ]
    if not words:
        return f"There is no arm to compare with {results.reference}."
    helps, harms, neither = (words.count(word) for word in ("helps", "harms", "no evidence"))
    compared = "comparisons" if len(results.segmenters) > 1 else "arms"
    rest = f"; for {neither} there is no evidence either way." if neither else "."
    found = (
        f"{many(helps)} of {len(words)} {compared} help{third_person(helps)}, {many(harms)} harm{third_person(harms)}"
    )
    return f"Compared with {results.reference}, {found}{rest}"


def many(n: int) -> str:
    """A count in a sentence."""
    return str(n) if n else "none"


def third_person(n: int) -> str:
    """The ending of the verb after a count; "none" takes the singular."""
    return "" if n > 1 else "s"


def typeset(sentence: str) -> str:
    """A sentence with true minus signs, closed by a full stop."""
    return re.sub(r"(?<![\w.])-(?=\d)", numbers.MINUS, sentence).rstrip(".") + "."


def segmenter_blocks(results: Results, segmenter: str) -> list[Block]:
    """Cards, effect plot and table of one segmenter."""
    frame = verdict_frame(results, segmenter)
    compared = frame[frame["arm"] != results.reference]
    models, patients = frame["n_models"].max(), frame["n_patients"].max()
    level = f"{100 * (1 - results.params['protocol']['alpha']):.0f} %"
    return [
        Heading(f"Segmenter {segmenter}"),
        Cards([card(results, row) for row in frame.to_dict("records")]),
        Picture(
            name=f"effect_{segmenter}",
            content=forest_plot(results, compared),
            caption=f"Difference of test {results.metric} to arm {results.reference} with its {level} interval, "
            f"segmenter {segmenter}. An interval that crosses the zero line leaves open whether the arm helps or "
            "harms. Each interval is for its arm alone; the verdict also allows for the number of arms.",
            alt=f"Effect plot: difference to {results.reference} with interval for each arm.",
            cases="test",
        ),
        Table(
            name=f"verdict_{segmenter}",
            frame=frame,
            columns=verdict_columns(level),
            caption=f"Mean {results.metric} over {models} fold models and {patients} test patients, and its difference "
            f"to {results.reference}. The verdict follows p adjusted. Wilcoxon: the usual test over patients on the "
            "ensembles, only for comparison; it takes the luck of one training for an effect.",
            cases="test",
        ),
    ]


def card(results: Results, row: dict) -> Card:
    """The card of one arm."""
    colour = results.colours[row["arm"]]
    if row["arm"] == results.reference:
        return Card(row["arm"], colour, "reference", numbers.dice(row["mean"]), [f"mean test {results.metric}"])
    lines = [
        f"{results.metric}, {numbers.interval(row['ci_low'], row['ci_high'])}",
        f"p adjusted {numbers.p_value(row['p_adjusted'])}",
    ]
    return Card(row["arm"], colour, row["verdict"], numbers.difference(row["difference"]), lines)


def verdict_columns(level: str) -> list[Column]:
    """How the verdict's table is shown."""
    return [
        Column("arm", "Arm", number=False),
        Column("verdict", "Verdict", number=False),
        Column("mean", "Mean", numbers.dice),
        Column("difference", "Difference", numbers.difference),
        Column("ci_low", f"{level} from", numbers.difference),
        Column("ci_high", "to", numbers.difference),
        Column("p", "p", numbers.p_value),
        Column("p_adjusted", "p adjusted", numbers.p_value),
        Column("p_wilcoxon_patients", "Wilcoxon p", numbers.p_value),
    ]


@house_style
def forest_plot(results: Results, frame: pd.DataFrame) -> Figure:
    """Difference to the reference with its interval, one line per arm, the numbers written beside."""
    figure, grid = new_figure(height=0.9 + 0.36 * max(len(frame), 1))
    axes = grid[0, 0]
    lines = np.arange(len(frame))[::-1]
    for line, row in zip(lines, frame.to_dict("records"), strict=True):
        colour = results.colours[row["arm"]]
        axes.plot([row["ci_low"], row["ci_high"]], [line, line], color=colour, linewidth=2.2, solid_capstyle="butt")
        axes.plot(row["difference"], line, marker=results.markers[row["arm"]], color=colour, markersize=7)
        text = f"{numbers.difference(row['difference'])}  ({numbers.interval(row['ci_low'], row['ci_high'])})"
        axes.text(1.02, line, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8.5)
    axes.axvline(0, color=INK, linewidth=1)
    reach = 1.15 * max(0.01, float(frame[["ci_low", "ci_high"]].abs().max().max())) if len(frame) else 0.01
    axes.set(xlim=(-reach, reach), ylim=(-0.6, len(frame) - 0.4), xlabel=f"Difference of test {results.metric}")
    axes.set_yticks(lines, frame["arm"])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.text(
        0, 1.02, f"worse than {results.reference}  ", transform=axes.get_xaxis_transform(), ha="right", color=FAINT
    )
    axes.text(
        0, 1.02, f"  better than {results.reference}", transform=axes.get_xaxis_transform(), ha="left", color=FAINT
    )
    light_grid(axes, "x")
    return figure


def what_the_test_is(results: Results) -> str:
    """The statistics in words."""
    rows = [row for model in results.verdict["models"].values() for row in model["arms"].values()]
    patients, models = (max(row[name] for row in rows) for name in ("n_patients", "n_models"))
    return (
        f"Every fold model of every arm was judged on every test patient: {patients} patients, {models} fold models "
        f"per arm. The difference to {results.reference} is taken within the same fold and patient, and tested with a "
        "crossed random-effects model, in which both patients and fold models are samples. Training the same arm "
        "twice gives different models; the interval contains that, so a difference between two trainings is not "
        "mistaken for an effect of the data. p is adjusted over the arms of a segmenter (Holm). No evidence is an "
        "ordinary outcome: this trial, with its number of patients and trainings, could not tell the arms apart. It "
        "does not mean that they are equal."
    )


def what_is_what(results: Results) -> str:
    """Which figures are validation and which are test, under this study's protocol."""
    protocol = describe(results.protocol)
    return (
        f"Protocol {results.protocol}. {protocol.seen} Figures and tables marked TEST were measured on the test "
        f"cases; those marked VALIDATION on the cases that a fold left out of training. {protocol.validation}"
    )
