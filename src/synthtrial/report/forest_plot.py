"""The effect plot: each arm's difference to the reference with its interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from synthtrial.report import numbers
from synthtrial.report.figure_style import FAINT, INK, house_style, light_grid, new_figure
from synthtrial.report.results import Results

FAR = 4
"""An interval that reaches this many times as far as the middle one leaves the axis, so that the others can be seen."""


@house_style
def forest_plot(results: Results, frame: pd.DataFrame) -> Figure:
    """Difference to the reference with its interval, one line per arm, the numbers written beside."""
    figure, grid = new_figure(height=0.9 + 0.36 * max(len(frame), 1))
    axes = grid[0, 0]
    lines = np.arange(len(frame))[::-1]
    limit = axis_limit(frame)
    for line, row in zip(lines, frame.to_dict("records"), strict=True):
        colour = results.colours[row["arm"]]
        axes.plot([row["ci_low"], row["ci_high"]], [line, line], color=colour, linewidth=2.2, solid_capstyle="butt")
        if abs(row["difference"]) < limit:
            axes.plot(row["difference"], line, marker=results.markers[row["arm"]], color=colour, markersize=7)
        else:
            side = np.sign(row["difference"])
            axes.plot(side * 0.985 * limit, line, marker=">" if side > 0 else "<", color=colour, markersize=9)
        text = f"{numbers.difference(row['difference'])}  ({numbers.interval(row['ci_low'], row['ci_high'])})"
        axes.text(1.02, line, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8.5)
    axes.axvline(0, color=INK, linewidth=1)
    beyond = "; arrows point beyond this axis" if (frame["difference"].abs() >= limit).any() else ""
    label = f"Difference of test {results.metric}{beyond}"
    axes.set(xlim=(-limit, limit), ylim=(-0.6, len(frame) - 0.4), xlabel=label)
    axes.set_yticks(lines, frame["arm"])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    left, right = ("worse", "better") if results.verdict["larger_is_better"] else ("better", "worse")
    for word, side, text in ((left, "right", "{}  "), (right, "left", "  {}")):
        words = text.format(f"{word} than {results.reference}")
        axes.text(0, 1.02, words, transform=axes.get_xaxis_transform(), ha=side, color=FAINT)
    light_grid(axes, "x")
    return figure


def axis_limit(frame: pd.DataFrame) -> float:
    """How far the axis reaches to both sides: to the furthest interval, unless that would hide the others.

    Args:
        frame: a row per arm with `ci_low` and `ci_high`.
    """
    reaches = frame[["ci_low", "ci_high"]].abs().max(axis=1)
    if not len(reaches):
        return 0.01
    near = reaches[reaches <= FAR * reaches.median()]
    return 1.15 * max(0.01, float(near.max()))
