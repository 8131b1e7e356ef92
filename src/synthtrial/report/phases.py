"""Phases: precision and recall of the positive class while more and more synthetic cases are added, per classifier."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from synthtrial.report import numbers
from synthtrial.report.blocks import Block, Column, Heading, Picture, Table
from synthtrial.report.figure_style import MARKERS, PALETTE, house_style, light_grid, new_figure
from synthtrial.report.results import Results
from synthtrial.trial.dose import Doses
from synthtrial.trial.metric_words import in_words


def phase_blocks(results: Results, series: Sequence[Doses]) -> list[Block]:
    """A figure and a table per series of a two-class study; nothing for others."""
    if results.task != "classify":
        return []
    blocks: list[Block] = []
    for number, doses in enumerate(series, start=1):
        frame = phase_frame(results, doses)
        blocks += [Heading(f"Phases of {series_in_words(doses)}"), phase_picture(results, frame, number)]
        blocks.append(phase_table(results, frame, number))
    return blocks


def series_in_words(doses: Doses) -> str:
    """What is added, and to what."""
    return f"{doses.draw}, beside {' and '.join(doses.beside)}" if doses.beside else f"{doses.draw} alone"


def phase_metrics(results: Results) -> list[str]:
    """The protocol's metric, then precision and recall of the positive class."""
    positive = results.classes[1]
    named = [results.params["protocol"]["metric"], f"precision/{positive}", f"recall/{positive}"]
    return list(dict.fromkeys(named))


def phase_frame(results: Results, doses: Doses) -> pd.DataFrame:
    """One row per classifier and phase: `model, phase, arm, dose, added`, and means of the single models' test scores.

    `added` is the number of synthetic training cases, mean over folds; phase 0 is the one without any.
    """
    rows = []
    first = 0 if 0.0 in doses.arms else 1
    for model in results.contenders:
        for phase, (dose, arm) in enumerate(doses.arms.items(), start=first):
            if arm not in results.arms_of(model):
                continue
            folds = results.fold_scores.query("model == @model and arm == @arm")
            row: dict[str, object] = {"model": model, "phase": phase, "arm": arm, "dose": dose}
            row |= {"added": folds["train_synthetic"].mean()}
            rows.append(row | {name: folds[f"test_{name}"].mean() for name in phase_metrics(results)})
    return pd.DataFrame(rows)


def phase_picture(results: Results, frame: pd.DataFrame, number: int) -> Picture:
    """Scores over the number of cases added."""
    return Picture(
        name=f"phases_{number}",
        content=phase_plot(frame, phase_metrics(results)),
        caption="Test scores over the synthetic cases that a fold's training was given, a line per classifier: means "
        "of the single models. A gain in recall that costs precision moves the balance and adds no knowledge; what is "
        "more than luck, the intervals above say.",
        alt="Scores of each classifier over the number of synthetic cases added.",
        cases="test",
    )


@house_style
def phase_plot(frame: pd.DataFrame, metrics: Sequence[str]) -> Figure:
    """A panel per metric, a line per classifier."""
    figure, (panels,) = new_figure(1, len(metrics), height=3.1, sharex=True)
    for place, (model, rows) in enumerate(frame.groupby("model", sort=False)):
        style = {"color": PALETTE[place % len(PALETTE)], "marker": MARKERS[place % len(MARKERS)], "markersize": 5}
        for axes, metric in zip(panels, metrics, strict=True):
            axes.plot(rows["added"], rows[metric], label=model, linewidth=1.6, **style)
    for axes, metric in zip(panels, metrics, strict=True):
        axes.set(title=in_words(metric), xlabel="Synthetic cases added")
        light_grid(axes)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 6))
    return figure


def phase_table(results: Results, frame: pd.DataFrame, number: int) -> Table:
    """Precision and recall of the positive class: a line per phase, a column per classifier."""
    positive = results.classes[1]
    wide = frame[["phase", "arm", "dose", "added"]].drop_duplicates("phase").set_index("phase", drop=False)
    columns = [
        Column("phase", "Phase"),
        Column("arm", "Arm", number=False),
        Column("added", "Added", lambda cases: f"{cases:.0f}"),
    ]
    for model, rows in frame.set_index("phase").groupby("model", sort=False):
        shown = rows[[f"{name}/{positive}" for name in ("precision", "recall")]]
        wide[[f"{model} precision", f"{model} recall"]] = shown
        wide[str(model)] = shown.map(numbers.dice).agg(" / ".join, axis=1)
        columns.append(Column(str(model), str(model)))
    return Table(
        name=f"phases_{number}",
        frame=wide,
        columns=columns,
        caption=f"Precision / recall of {positive} by phase, means of the single models. Added: synthetic training "
        "cases, mean over folds.",
        cases="test",
    )
