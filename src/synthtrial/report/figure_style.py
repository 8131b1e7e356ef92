"""One look for all figures: sizes, fonts, and a colour and marker per arm that stay the same on every page."""

from __future__ import annotations

from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PAGE_INCHES = 9.2
"""Width of a full-width figure; the page shows 100 CSS pixels per inch, so 9-point text is read at its size."""

INK = "#1f2933"
FAINT = "#8a949e"
GRID = "#e3e7eb"
REFERENCE_COLOUR = "#0072B2"
"""The reference arm is blue, as real cases are in the figures of fidelity."""

PALETTE = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#999933", "#332288", "#7F4F24", "#000000")
"""The other colours that Okabe & Ito chose for colour-blind readers, without yellow; before black come wine, olive and
indigo of Tol's muted scheme, and brown: a two-class study easily has ten arms."""

MARKERS = ("s", "D", "^", "v", "P", "X", "p")
"""Seven markers to ten colours: the pairs repeat only after 70 arms."""

STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


house_style = rc_context(STYLE)
"""Decorator of every function that draws: inside it matplotlib's defaults are `STYLE`, outside they are untouched."""


def new_figure(
    rows: int = 1, columns: int = 1, *, height: float, width: float = PAGE_INCHES, **subplots: Any
) -> tuple[Figure, Any]:
    """Make a figure; the caller is decorated with `house_style`.

    Args:
        rows, columns: of axes.
        height, width: of the whole figure, inches; the page shows 100 CSS pixels per inch.
        subplots: further arguments of `Figure.subplots`.

    Returns:
        The figure, and an array of axes with shape `(rows, columns)`.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **subplots)


def arm_colours(arms: list[str], reference: str) -> dict[str, str]:
    """A colour per arm: the reference is blue, the others take the palette in their order."""
    others = [arm for arm in arms if arm != reference]
    colours = {arm: PALETTE[index % len(PALETTE)] for index, arm in enumerate(others)}
    return {reference: REFERENCE_COLOUR} | colours


def arm_markers(arms: list[str], reference: str) -> dict[str, str]:
    """A marker per arm, so that no figure depends on colour alone."""
    others = [arm for arm in arms if arm != reference]
    return {reference: "o"} | {arm: MARKERS[index % len(MARKERS)] for index, arm in enumerate(others)}


def light_grid(axes: Axes, axis: str = "y") -> None:
    """Draw thin grid lines behind the data along one axis, and hide that axis' tick marks."""
    axes.grid(True, axis=axis)  # type: ignore[arg-type]
    axes.tick_params(axis=axis, length=0)  # type: ignore[arg-type]


def picture_axes(axes: Axes) -> None:
    """Strip an axes of ticks and spines: it shows a picture."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
