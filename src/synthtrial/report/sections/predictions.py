"""Predictions on test cases, from the best to the worst of each arm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from synthtrial.report import numbers
from synthtrial.report.blocks import Picture, Section
from synthtrial.report.figure_style import FAINT, INK, PAGE_INCHES, house_style, new_figure
from synthtrial.report.overlay import AGREEMENT, FALSE, MISSED, WRONG_LABEL, draw_overlay
from synthtrial.report.protocols import describe
from synthtrial.report.results import Results

TILE_INCHES = 2.3
"""Widest a case is shown."""

LETTERS_PER_INCH = 16
"""Of a case's id."""

ID_STYLE: dict[str, Any] = {"fontsize": 7, "color": FAINT, "ha": "left", "va": "bottom"}


def section(results: Results) -> Section:
    """One picture per segmenter; classifiers draw no masks."""
    if results.task != "segment":
        return Section("predictions", "Predictions", [])
    return Section("predictions", "Predictions", [picture(results, model) for model in results.models])


def picture(results: Results, model: str) -> Picture:
    """Overlays of all arms of one segmenter."""
    flat = results.cohort.facts["spatial_dims"] == 2
    plane = "" if flat else " Shown is the axial slice in which reference and prediction together are largest."
    wrong = " Blue: found, but as another label." if len(results.cohort.labels) > 1 else ""
    return Picture(
        name=f"predictions_{model}",
        content=overlays(results, model),
        caption=f"Predictions of the ensemble on {describe(results.protocol).judged}, segmenter {model}. One row "
        f"per arm, with its own choice of cases in even steps from the best to the worst Dice.{plane} Green: reference "
        f"and prediction agree. White: missed. Red: false.{wrong} Dice is that of the whole case on its original grid. "
        "The tissue is darkened, and the picture is cut around what is marked.",
        alt="Predicted masks over the images: agreement, missed and false voxels.",
        cases="test",
    )


@house_style
def overlays(results: Results, model: str) -> Figure:
    """Rows of arms, columns from best to worst."""
    cohort = results.cohort
    chosen = {arm: spread(results.ensemble(model, arm), results.settings["overlay_cases"]) for arm in results.arms}
    columns = max(len(cases) for cases in chosen.values())
    names = 0.4 + 0.08 * max(len(arm) for arm in results.arms)
    size = min(TILE_INCHES, (PAGE_INCHES - names) / columns)
    height = 0.4 + (size + 0.36) * len(results.arms)
    figure, grid = new_figure(len(results.arms), columns, height=height, width=names + size * columns)
    for row, (arm, cases) in zip(grid, chosen.items(), strict=True):
        name_row(row[0], arm, results.colours[arm])
        for axes in row[len(cases) :]:
            axes.set_axis_off()
        for axes, case in zip(row, cases.to_dict("records"), strict=False):
            case_id = case["case_id"]
            prediction = np.load(results.model_folder(arm, model) / "predictions" / f"{case_id}.npy")
            draw_overlay(axes, cohort.image(case_id), cohort.mask(case_id), prediction, cohort.facts["spacing_mm"])
            title(axes, case, int(LETTERS_PER_INCH * size))
    draw_legend(figure, several_labels=len(cohort.labels) > 1)
    return figure


def name_row(axes: Axes, arm: str, colour: str) -> None:
    """An arm's name left of its row, in its colour."""
    axes.set_ylabel(arm, rotation=0, ha="right", va="center", labelpad=8, color=colour, fontweight="bold")


def draw_legend(figure: Figure, *, several_labels: bool) -> None:
    """What the colours mean."""
    kinds = {"agreement": AGREEMENT, "missed": MISSED, "false": FALSE}
    if several_labels:
        kinds["wrong label"] = WRONG_LABEL
    handles = [Patch(facecolor=colour, edgecolor=INK, linewidth=0.6, label=kind) for kind, colour in kinds.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))


def spread(scores: pd.DataFrame, n: int) -> pd.DataFrame:
    """`n` cases in even steps from the best to the worst Dice, with their place in words as `rank`."""
    ordered = scores.dropna(subset=["dice"]).sort_values(
        ["dice", "case_id"], ascending=[False, True], ignore_index=True
    )
    places = np.unique(np.linspace(0, len(ordered) - 1, min(n, len(ordered))).round().astype(int))
    names = {0: "best", len(ordered) - 1: "worst"}
    if n == 3 and len(places) == 3:
        names[int(places[1])] = "median"
    ranks = [names.get(int(place), f"{place + 1} of {len(ordered)}") for place in places]
    return ordered.iloc[places].assign(rank=ranks)


def title(axes: Axes, case: dict[str, Any], width: int) -> None:
    """Place and Dice of a case in bold, its id below in at most `width` letters."""
    axes.set_title(f"{case['rank']}, Dice {numbers.dice(case['dice'])}", fontsize=8.5, pad=15)
    axes.text(0, 1.015, shorten(case["case_id"], width), transform=axes.transAxes, **ID_STYLE)


def shorten(name: str, width: int) -> str:
    """A name of at most `width` letters, without its middle where it is longer: ids differ at their ends."""
    half = (width - 1) // 2
    return name if len(name) <= width else f"{name[:half]}\N{HORIZONTAL ELLIPSIS}{name[-half:]}"
