"""Every fidelity metric on one scale: from what real cases give among themselves to what noise gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from synthtrial.report.figure_style import FAINT, arm_colours, arm_markers, house_style, light_grid, new_figure

ROW_INCHES, MORE_INCHES = 0.2, 0.02
"""Height of a metric's line, and what every further generator adds to it."""
TICKS = (0, 0.01, 0.05, 0.1, 0.25, 0.5, 1)


def placed(frame: pd.DataFrame) -> pd.DataFrame:
    """The metrics that have a scale, with their place on it.

    Args:
        frame: rows with `metric, floor, value, low, high, ceiling, better`.

    Returns:
        The rows whose noise is worse than real, with `place`, `place_low` and `place_high`: 0 is real against real, 1
        is noise; and `features` and `name`, the two parts of the metric's name.
    """
    sign = np.where(frame["better"] == "higher", -1.0, 1.0)
    span = sign * (frame["ceiling"] - frame["floor"])
    rows = frame[(frame["better"] != "like real") & (span > 0)].copy()
    for place, column in (("place", "value"), ("place_low", "low"), ("place_high", "high")):
        rows[place] = (rows[column] - rows["floor"]) / (rows["ceiling"] - rows["floor"])
    parts = rows["metric"].str.split("/", n=1)
    return rows.assign(name=parts.str[0].str.replace("_", " "), features=parts.str[1])


@house_style
def scale_figure(frame: pd.DataFrame) -> Figure:
    """One panel per feature extractor, one line per metric, one mark per generator with its interval.

    Args:
        frame: `placed` rows, with `generator`. Panels may lack some generators: those with another number of cases.
    """
    panels = [rows for _, rows in frame.groupby("features", sort=False)]
    generators = list(dict.fromkeys(frame["generator"]))
    looks = arm_colours(["real", *generators], "real"), arm_markers(["real", *generators], "real")
    heights = [
        rows["name"].nunique() * (ROW_INCHES + MORE_INCHES * (rows["generator"].nunique() - 1)) for rows in panels
    ]
    height = sum(heights) + 0.5 * len(panels) + 0.8
    figure, grid = new_figure(len(panels), height=height, sharex=True, gridspec_kw={"height_ratios": heights})
    handles: dict[str, Artist] = {}
    for rows, axes in zip(panels, grid[:, 0], strict=True):
        _draw_panel(axes, rows, *looks)
        axes.set_title(rows["features"].iloc[0])
        handles |= {str(handle.get_label()): handle for handle in axes.get_legend_handles_labels()[0]}
    grid[-1, 0].set_xlabel("share of the way from real against real to noise against real (square-root scale)")
    shown = [handles[name] for name in generators]
    figure.legend(shown, generators, loc="outside upper center", ncols=min(len(generators), 6))
    return figure


def _draw_panel(axes: Axes, frame: pd.DataFrame, colours: dict[str, str], markers: dict[str, str]) -> None:
    generators, names = list(dict.fromkeys(frame["generator"])), list(dict.fromkeys(frame["name"]))
    spread = np.linspace(-0.34, 0.34, len(generators)) if len(generators) > 1 else [0.0]
    size = 6 if len(generators) <= 4 else 4
    for generator, shift in zip(generators, spread, strict=True):
        rows = frame[frame["generator"] == generator]
        heights = [names.index(name) + shift for name in rows["name"]]
        low, high = _root(np.sort(rows[["place_low", "place_high"]].to_numpy(), axis=1).T)
        axes.hlines(heights, low, high, color=colours[generator], linewidth=1, alpha=0.6)
        axes.plot(
            _root(rows["place"].to_numpy()),
            heights,
            markers[generator],
            color=colours[generator],
            markersize=size,
            label=generator,
        )
    axes.axvline(0, color=FAINT, linewidth=1)
    axes.axvline(1, color=FAINT, linewidth=1, linestyle=":")
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xticks(_root(np.array(TICKS)), ["real", *(f"{tick:.0%}" for tick in TICKS[1:-1]), "noise"])
    light_grid(axes, "x")


def _root(place: np.ndarray) -> np.ndarray:
    """The square root, which spreads what is close to real; of what is better than real its mirror image."""
    return np.sign(place) * np.sqrt(np.abs(place))
