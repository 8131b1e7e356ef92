"""Figures of a calibration: error rates, p-values where there is nothing to find, power over effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from synthtrial.calibration.power import power_curve
from synthtrial.calibration.procedures import PROCEDURES
from synthtrial.report.figure_style import FAINT, INK, MARKERS, PALETTE, house_style, light_grid, new_figure

SHORT = {
    "crossed": "crossed test",
    "pigeonhole": "pigeonhole bootstrap",
    "wilcoxon": "Wilcoxon, ensembles",
    "wilcoxon_single": "Wilcoxon, one model",
}
"""Names of the procedures in legends."""

LOOKS = {name: {"color": PALETTE[place], "marker": MARKERS[place]} for place, name in enumerate(PROCEDURES)}
"""Colour and marker of each procedure."""


@house_style
def error_rates(sheet: Mapping[str, Any]) -> Figure:
    """Share of wrong verdicts on each arm without an effect, by procedure: each arm alone, and with Holm."""
    arms = [arm for arm, facts in sheet["arms"].items() if facts["truth"] != "better"]
    figure, grid = new_figure(1, 2, height=0.9 + 0.62 * len(arms), sharey=True)
    titles = {"alone": "each arm alone", "verdict": "as users get it (Holm)"}
    for axes, (column, title) in zip(grid[0], titles.items(), strict=True):
        for place, name in enumerate(PROCEDURES):
            shares = [sheet["procedures"][name]["arms"][arm][column] for arm in arms]
            lines = np.arange(len(arms))[::-1] - 0.18 * (place - 1.5)
            values = np.array([share["share"] for share in shares])
            reach = np.abs(np.array([[share["low"], share["high"]] for share in shares]).T - values)
            axes.errorbar(values, lines, xerr=reach, linestyle="", label=SHORT[name], **LOOKS[name])
        axes.axvline(sheet["alpha"], color=INK, linewidth=1)
        axes.set(title=title, xlabel="Share of trials with a wrong verdict", xlim=(-0.02, 1))
        axes.set_yticks(np.arange(len(arms))[::-1], arms)
        light_grid(axes, "x")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(PROCEDURES))
    return figure


@house_style
def null_p_values(table: pd.DataFrame, arm: str) -> Figure:
    """p-values of an arm that does not differ, sorted, against what a sound test gives: the diagonal."""
    figure, grid = new_figure(1, 2, height=3.6)
    rows = table[table["arm"] == arm]
    for name in PROCEDURES:
        p = np.sort(rows.loc[rows["procedure"] == name, "p"].to_numpy(float))
        expected = (np.arange(len(p)) + 0.5) / len(p)
        for axes in grid[0]:
            axes.plot(expected, p, markersize=3, linewidth=1, label=SHORT[name], **LOOKS[name])
    for axes in grid[0]:
        axes.plot([1e-4, 1], [1e-4, 1], color=INK, linewidth=1)
        axes.set(xlabel="p that a sound test would give", ylabel="p")
        light_grid(axes, "both")
    grid[0, 1].set(xscale="log", yscale="log", ylim=(1e-5, 1), title="the same, logarithmic")
    grid[0, 0].set(title=f"{arm}: nothing to find")
    grid[0, 0].legend(loc="upper left")
    return figure


@house_style
def power_over_effect(table: pd.DataFrame, sheet: Mapping[str, Any]) -> Figure:
    """Share of trials in which an effect of each size would be found, and in which the arms that do help were."""
    figure, grid = new_figure(height=3.6)
    axes = grid[0, 0]
    crossed = table[table["procedure"] == "crossed"]
    same = [arm for arm, facts in sheet["arms"].items() if facts["truth"] == "same"]
    levels = {"one arm alone": sheet["alpha"], f"one of {len(sheet['arms'])} arms": sheet["alpha"] / len(sheet["arms"])}
    for place, (words, level) in enumerate(levels.items()):
        curve = power_curve(crossed[crossed["arm"].isin(same)], level)
        axes.plot(curve["effect"], curve["power"], color=PALETTE[place], label=words)
    for arm, facts in sheet["arms"].items():
        if facts["truth"] == "better":
            found = sheet["procedures"]["crossed"]["arms"][arm]["verdict"]
            reach = [[found["share"] - found["low"]], [found["high"] - found["share"]]]
            words = f"{arm}, measured"
            axes.errorbar(facts["difference"], found["share"], yerr=reach, marker="o", color=INK, label=words)
    axes.axhline(sheet["power"], color=FAINT, linewidth=1, linestyle="--")
    axes.set(xlabel="Effect on test Dice", ylabel="Share of trials that find it", ylim=(-0.02, 1.02), xlim=(0, None))
    axes.legend(loc="lower right")
    light_grid(axes)
    return figure
