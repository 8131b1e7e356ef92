"""Predictions on test cases, from the best to the worst of each arm."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from synthtrial.fidelity.pictures.pages import Cut, cut_plane
from synthtrial.report import numbers
from synthtrial.report.blocks import Picture, Section
from synthtrial.report.figure_style import FAINT, PAGE_INCHES, house_style, new_figure, picture_axes
from synthtrial.report.results import Results

AGREEMENT, MISSED, FALSE, WRONG_LABEL = "#009E73", "#FFFFFF", "#D55E00", "#56B4E9"
"""Green, white and red, in shades that colour-blind readers can tell apart."""

TILE_INCHES = 2.1
"""Widest a case is shown."""

LABEL_BASE = 256
"""More than any label, so that a reference's and a prediction's label fit into one number."""


def section(results: Results) -> Section:
    """One picture per segmenter."""
    return Section("predictions", "Predictions", [picture(results, segmenter) for segmenter in results.segmenters])


def picture(results: Results, segmenter: str) -> Picture:
    """Overlays of all arms of one segmenter."""
    plane = "" if results.cohort.facts["spatial_dims"] == 2 else ", axial slice with the largest lesion"
    wrong = " Blue: found, but as another label." if len(results.cohort.labels) > 1 else ""
    return Picture(
        name=f"predictions_{segmenter}",
        content=overlays(results, segmenter),
        caption=f"Predictions of the ensemble on test cases, segmenter {segmenter}{plane}. One row per arm, with its "
        "own test cases in even steps from the best to the worst Dice. Green: reference and prediction agree. White: "
        f"missed. Red: false.{wrong} Dice is that of the whole case on its original grid.",
        alt="Predicted masks over the images: agreement, missed and false voxels.",
        cases="test",
    )


@house_style
def overlays(results: Results, segmenter: str) -> Figure:
    """Rows of arms, columns from best to worst."""
    chosen = {arm: spread(results.ensemble(segmenter, arm), results.settings["overlay_cases"]) for arm in results.arms}
    columns = max(len(cases) for cases in chosen.values())
    names = 0.4 + 0.075 * max(len(arm) for arm in results.arms)
    size = min(TILE_INCHES, (PAGE_INCHES - names) / columns)
    height = 0.4 + (size + 0.2) * len(results.arms)
    figure, grid = new_figure(len(results.arms), columns, height=height, width=names + size * columns)
    for row, (arm, cases) in zip(grid, chosen.items(), strict=True):
        row[0].set_ylabel(
            arm, rotation=0, ha="right", va="center", labelpad=8, color=results.colours[arm], fontweight="bold"
        )
        for axes in row[len(cases) :]:
            axes.set_axis_off()
        for axes, case in zip(row, cases.to_dict("records"), strict=False):
            prediction = np.load(results.segment_folder(arm, segmenter) / "predictions" / f"{case['case_id']}.npy")
            draw(axes, results, case, prediction)
    kinds = {"agreement": AGREEMENT, "missed": MISSED, "false": FALSE}
    if len(results.cohort.labels) > 1:
        kinds["wrong label"] = WRONG_LABEL
    handles = [Patch(facecolor=colour, edgecolor=FAINT, label=kind) for kind, colour in kinds.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


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


def draw(axes: Axes, results: Results, case: dict, prediction: np.ndarray) -> None:
    """One test case with its prediction over it."""
    cohort, case_id = results.cohort, case["case_id"]
    # Both label maps go through one array, so that both are cut at the same slice: where their union is largest.
    both = np.asarray(cohort.mask(case_id)).astype(np.uint16) + LABEL_BASE * prediction.astype(np.uint16)
    cut = picture_of(cohort.image(case_id), both, cohort.facts["spacing_mm"])
    colour = cut.image.shape[0] == 3
    pixels = np.clip((np.moveaxis(cut.image, 0, -1) + 1) / 2, 0, 1) if colour else cut.image[0]
    axes.imshow(pixels, cmap="gray", vmin=-1, vmax=1, aspect=cut.aspect, interpolation="nearest")
    axes.imshow(agreement(cut.mask), aspect=cut.aspect, interpolation="nearest")
    axes.set_title(f"{case['rank']}: {case_id}, Dice {numbers.dice(case['dice'])}", fontsize=8, fontweight="normal")
    picture_axes(axes)


def picture_of(image: np.ndarray, mask: np.ndarray, spacing_mm: list[float]) -> Cut:
    """The axial slice of a volume `(C, x, y, z)` with the most labelled voxels, or a 2D image as it is."""
    return cut_plane(image, mask, 2, spacing_mm) if mask.ndim == 3 else Cut(image, mask, spacing_mm[0] / spacing_mm[1])


def agreement(both: np.ndarray) -> np.ndarray:
    """RGBA picture `(rows, columns, 4)` of agreement, missed, false and wrongly labelled voxels.

    Args:
        both: `(rows, columns)`, the reference's label plus `LABEL_BASE` times the prediction's.
    """
    reference, prediction = both % LABEL_BASE, both // LABEL_BASE
    picture = np.zeros((*both.shape, 4))
    picture[(reference > 0) & (reference == prediction)] = to_rgba(AGREEMENT, 0.55)
    picture[(reference > 0) & (prediction == 0)] = to_rgba(MISSED, 0.75)
    picture[(reference == 0) & (prediction > 0)] = to_rgba(FALSE, 0.65)
    picture[(reference > 0) & (prediction > 0) & (reference != prediction)] = to_rgba(WRONG_LABEL, 0.65)
    return picture
