"""Properties of lesions, real against synthetic, as cumulative distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthtrial.fidelity.pictures.style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4

MOST_BARS = 12
"""Counts up to this are drawn as bars, larger ones as curves."""

NAMES = {
    "volume_ml": ("volume", "ml"),
    "area_cm2": ("area", "cm²"),
    "count": ("connected parts", "number in a case"),
    "largest_ml": ("largest part", "ml"),
    "largest_cm2": ("largest part", "cm²"),
    "sphericity": ("sphericity of the largest part", "1 is a ball"),
    "circularity": ("circularity of the largest part", "1 is a disc"),
    "centre_x": ("centre, left to right", "share of the field of view"),
    "centre_y": ("centre, back to front", "share of the field of view"),
    "centre_z": ("centre, foot to head", "share of the field of view"),
    "centre_row": ("centre, top to bottom", "share of the field of view"),
    "centre_column": ("centre, left to right", "share of the field of view"),
}
"""Title and unit of a property's panel."""


def lesion_figure(real: pd.DataFrame, synthetic: pd.DataFrame, tests: pd.DataFrame) -> Figure:
    """One panel per property: the share of cases up to each value, and the largest gap, which the test judges.

    Connected parts are counted in bars. Axes of centres show the whole field of view.

    Args:
        real: `lesion_table` of the real cases.
        synthetic: the same of the synthetic ones.
        tests: `compare_lesions` of both.
    """
    from matplotlib.figure import Figure

    labels = tests["label"].unique()
    rows = -(-int((tests["label"] == labels[0]).sum()) // COLUMNS)
    figure = Figure(figsize=(12, (2.65 * rows + 0.45) * len(labels) + 0.4), layout="constrained")
    parts = figure.subfigures(len(labels), 1, squeeze=False, hspace=0.03)[:, 0]
    for part, label in zip(parts, labels, strict=True):
        n = [int((table["label"] == label).sum()) for table in (real, synthetic)]
        part.suptitle(f"{label} ({n[0]} real and {n[1]} synthetic cases)", fontweight="bold", x=0.01, ha="left")
        panels = part.subplots(rows, COLUMNS, squeeze=False)
        of_label = tests[tests["label"] == label]
        for axes in panels.flat[len(of_label) :]:
            axes.set_axis_off()
        for axes, test in zip(panels.flat, of_label.to_dict("records"), strict=False):
            of_real, of_synthetic = (_values(table, label, test["property"]) for table in (real, synthetic))
            _draw_panel(axes, of_real, of_synthetic, test, str(real["contrast_unit"].iloc[0]))
        for axes in panels[:, 0]:
            axes.set_ylabel("share of cases, %")
    _draw_legend(figure)
    return figure


def _values(table: pd.DataFrame, label: str, name: str) -> np.ndarray:
    return table.loc[table["label"] == label, name].dropna().to_numpy(float)


def _draw_panel(axes: Axes, real: np.ndarray, synthetic: np.ndarray, test: dict[str, Any], unit: str) -> None:
    title, axis = _words(test["property"], unit)
    words = {"differs": "differs", "alike": "no difference shown"}.get(test["verdict"])
    result = f"{words}: gap {test['ks']:.2f}, {_p_value(test['p_adjusted'])}"
    if test["verdict"] == "too few":
        result = f"too few to test: {test['n_real']:.0f} and {test['n_synthetic']:.0f}"
    differs = test["verdict"] == "differs"
    axes.set_title(title, fontsize="medium", loc="left", pad=18)
    axes.text(0, 1.03, result, transform=axes.transAxes, fontsize="small", color="black" if differs else "0.45")
    if test["property"] == "count" and max(*real, *synthetic) <= MOST_BARS:
        _draw_bars(axes, real, synthetic)
    elif len(real) and len(synthetic):
        _draw_curves(axes, real, synthetic, whole=test["property"].startswith("centre"))
    axes.set_xlabel(axis, fontsize="small")
    axes.set(ylim=(0, 102), yticks=[0, 50, 100])
    axes.tick_params(labelsize="small")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_curves(axes: Axes, real: np.ndarray, synthetic: np.ndarray, whole: bool) -> None:
    """Cumulative distributions and their largest vertical distance; over all of [0, 1] where `whole`."""
    values = np.unique(np.concatenate([real, synthetic]))
    if not whole and values[0] > 0 and values[-1] > 30 * values[0]:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
    shares = [100 * np.searchsorted(np.sort(x), values, side="right") / len(x) for x in (real, synthetic)]
    widest = np.abs(shares[0] - shares[1]).argmax()
    axes.vlines(values[widest], *sorted([shares[0][widest], shares[1][widest]]), color="0.6", linewidth=3)
    for name, share in zip(("real", "synthetic"), shares, strict=True):
        axes.step(np.r_[values[0], values], np.r_[0, share], where="post", color=COLOURS[name])
    if whole:
        axes.set(xlim=(0, 1), xticks=[0, 0.5, 1])


def _draw_bars(axes: Axes, real: np.ndarray, synthetic: np.ndarray) -> None:
    """Share of cases with none, one, two, ... connected parts."""
    numbers = np.arange(max(*real, *synthetic, 2) + 1)
    for name, values, shift in (("real", real, -0.2), ("synthetic", synthetic, 0.2)):
        shares = [100 * float((values == number).mean()) for number in numbers]
        axes.bar(numbers + shift, shares, 0.38, color=COLOURS[name])
    axes.set_xticks(numbers)


def _words(name: str, unit: str) -> tuple[str, str]:
    if name.startswith("contrast"):
        channel = name.removeprefix("contrast").replace("_", ", channel ")
        return f"contrast to surroundings{channel}", unit
    return NAMES[name]


def _p_value(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def _draw_legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=COLOURS[name], label=name) for name in ("real", "synthetic")]
    lines.append(Line2D([], [], color="0.6", linewidth=3, label="largest gap (Kolmogorov-Smirnov; p after Holm)"))
    figure.legend(handles=lines, loc="outside lower center", ncols=3, frameon=False)
