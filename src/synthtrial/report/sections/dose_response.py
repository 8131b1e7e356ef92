"""Dose and response: the difference to the reference over the number of synthetic cases per real one."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from synthtrial.report import numbers
from synthtrial.report.blocks import Block, Column, Picture, Section, Table, Text
from synthtrial.report.figure_style import INK, PALETTE, house_style, light_grid, new_figure
from synthtrial.report.per_model import per_model
from synthtrial.report.phases import phase_blocks
from synthtrial.report.results import Results
from synthtrial.trial.arm import read_arms
from synthtrial.trial.dose import Doses, dose_series


def section(results: Results) -> Section:
    """A figure and a table per segmenter or classifier; nothing where no arms differ in amount alone."""
    arms = read_arms({name: results.params["arms"][name] for name in results.arms})
    blocks: list[Block] = []
    if series := dose_series(arms):
        blocks.append(Text(how_to_read(results)))
        blocks += per_model(results, results.contenders, partial(model_blocks, results, series=series))
        blocks += phase_blocks(results, series)
    return Section("dose_response", "How many synthetic cases", blocks)


def model_blocks(results: Results, model: str, series: list[Doses]) -> list[Block]:
    """Dose and response with one segmenter or classifier."""
    frame = dose_frame(results, model, series)
    if not len(frame):
        return []
    level, per = results.level, per_real(results, series)
    return [
        Picture(
            name=f"dose_response_{model}",
            content=dose_plot(results, frame, per),
            caption=f"Difference of test {results.metric} to {results.reference} with its {level} interval over the "
            f"number of synthetic cases per {per}, {results.model_word} {model}. Each interval is for its "
            "arm alone. Filled marks: beside the real cases; open marks, dashed: synthetic cases alone.",
            alt="Difference to the reference over the dose of synthetic cases.",
            cases="test",
        ),
        Table(
            name=f"dose_response_{model}",
            frame=frame,
            columns=[
                Column("draw", "Generator", number=False),
                Column("beside", "Beside", number=False),
                Column("dose", f"Synthetic per {per.replace('training case of class ', '')}", lambda dose: f"{dose:g}"),
                Column("arm", "Arm", number=False),
                Column("mean", "Mean", numbers.dice),
                Column("difference", "Difference", numbers.difference),
                Column("ci_low", f"{level} from", numbers.difference),
                Column("ci_high", "to", numbers.difference),
            ],
            caption=f"Arms that differ only in the amount of one generator's cases, mean test {results.metric}.",
            cases="test",
        ),
    ]


def dose_frame(results: Results, model: str, series: list[Doses]) -> pd.DataFrame:
    """One row per series and dose, with the verdict's difference and interval; none for the reference itself."""
    entries = results.verdict["models"][model]["arms"]
    no_test = {"difference": 0.0, "ci_low": np.nan, "ci_high": np.nan}
    keys = ("mean", "difference", "ci_low", "ci_high")
    rows = []
    for number, doses in enumerate(series):
        beside = " and ".join(doses.beside) or "nothing"
        for dose, arm in doses.arms.items():
            if arm not in entries:
                continue
            entry = no_test | entries[arm]
            named = {"series": number, "draw": doses.draw, "beside": beside, "dose": dose, "arm": arm}
            rows.append(named | {key: entry[key] for key in keys})
    return pd.DataFrame(rows)


@house_style
def dose_plot(results: Results, frame: pd.DataFrame, per: str) -> Figure:
    """A line per series over the dose, on an axis where each doubling is a step and zero stands at its left."""
    figure, grid = new_figure(height=3.2, width=7.2)
    axes = grid[0, 0]
    smallest = frame.loc[frame["dose"] > 0, "dose"].min()
    for number, rows in frame.groupby("series"):
        colour, beside = PALETTE[number % len(PALETTE)], rows["beside"].iloc[0]  # type: ignore[call-overload]
        alone = beside == "nothing"
        style = {"color": colour, "marker": "D" if alone else "o", "linestyle": "--" if alone else "-"}
        label = f"{rows['draw'].iloc[0]}, {'alone' if alone else 'beside ' + beside}"
        reach = (rows[["difference", "ci_high"]].to_numpy() - rows[["ci_low", "difference"]].to_numpy()).T
        margins = np.nan_to_num(reach)
        fill = {"markerfacecolor": "white" if alone else colour, "markersize": 6, "capsize": 0, "elinewidth": 1.6}
        axes.errorbar(rows["dose"], rows["difference"], yerr=margins, label=label, **style, **fill)
    axes.axhline(0, color=INK, linewidth=1)
    axes.set_xscale("symlog", base=2, linthresh=smallest)
    ticks = sorted(set(frame["dose"]))
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set(xlabel=f"Synthetic cases per {per}", ylabel=f"Difference of test {results.metric}")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    light_grid(axes)
    return figure


def per_real(results: Results, series: list[Doses]) -> str:
    """What a dose is per: a real training case, or one of the class that all arms count by."""
    dosed = [arm for doses in series for dose, arm in doses.arms.items() if dose]
    classes = {results.params["arms"][arm].get("of", "") for arm in dosed}
    of_class = classes.pop() if len(classes) == 1 else ""
    return f"real training case of class {of_class}" if of_class else "real training case"


def how_to_read(results: Results) -> str:
    """What a dose is."""
    return (
        "Arms that differ in nothing but the number of synthetic cases. All arms are trained for the same number of "
        "steps, so more synthetic cases also mean that each real one is seen less often. The interval of "
        f"{results.reference} itself is not drawn: the differences are taken from it."
    )
