"""One test case with its prediction over it: agreement green, missed white, false red."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patheffects import withStroke

from synthtrial.fidelity.pictures.pages import Cut, cut_plane
from synthtrial.report.figure_style import picture_axes

AGREEMENT, MISSED, FALSE, WRONG_LABEL = "#00A878", "#FFFFFF", "#E8401C", "#56B4E9"
"""Green, white and red, in shades that colour-blind readers can tell apart."""

OPACITY = {AGREEMENT: 0.6, MISSED: 0.92, FALSE: 0.8, WRONG_LABEL: 0.75}
"""What is right may let the tissue through; what is wrong has to be seen."""

BRIGHTEST = 0.68
"""Grey of the brightest tissue, so that white is left to what was missed."""

LABEL_BASE = 256
"""More than any label, so that a reference's and a prediction's label fit into one number."""

ROOM = 2.6
"""Width of the picture over that of what is marked in it."""

SMALLEST_SHARE = 0.5
"""A picture shows at least this share of the image's longer side, so that the place in the body can be told."""


class Window(NamedTuple):
    """A square part of a slice, in pixels, from edge to edge; it may reach beyond the image."""

    left: float
    right: float
    top: float
    bottom: float


def draw_overlay(
    axes: Axes, image: np.ndarray, reference: np.ndarray, prediction: np.ndarray, spacing_mm: list[float]
) -> None:
    """Draw a case around its lesions, with a scale bar.

    Args:
        axes: where to draw.
        image: `(C, *S)` in [-1, 1]; three channels are shown in colour. Of a volume, the axial slice is shown in which
            the reference and the prediction together have most voxels.
        reference: label map `(*S)`.
        prediction: the same.
        spacing_mm: voxel size per axis, mm.
    """
    # Both label maps go through one array, so that both are cut at the same slice.
    both = reference.astype(np.uint16) + LABEL_BASE * prediction.astype(np.uint16)
    if both.ndim == 3:
        cut, column_mm = cut_plane(image, both, 2, spacing_mm), spacing_mm[0]
    else:
        cut, column_mm = Cut(image, both, spacing_mm[0] / spacing_mm[1]), spacing_mm[1]
    grey = (cut.image.transpose(1, 2, 0).clip(-1, 1) + 1) / 2 * BRIGHTEST
    pixels = grey if grey.shape[2] == 3 else np.repeat(grey[..., :1], 3, axis=2)
    axes.set_facecolor("black")
    axes.imshow(pixels, aspect=cut.aspect, interpolation="nearest")
    axes.imshow(agreement(cut.mask), aspect=cut.aspect, interpolation="nearest")
    window = window_around(cut.mask > 0, cut.aspect)
    axes.set(xlim=(window.left, window.right), ylim=(window.bottom, window.top))
    picture_axes(axes)
    draw_scale_bar(axes, (window.right - window.left) * column_mm)


def agreement(both: np.ndarray) -> np.ndarray:
    """RGBA picture `(rows, columns, 4)` of agreement, missed, false and wrongly labelled voxels.

    Args:
        both: `(rows, columns)`, the reference's label plus `LABEL_BASE` times the prediction's.
    """
    reference, prediction = both % LABEL_BASE, both // LABEL_BASE
    kinds = {
        AGREEMENT: (reference > 0) & (reference == prediction),
        MISSED: (reference > 0) & (prediction == 0),
        FALSE: (reference == 0) & (prediction > 0),
        WRONG_LABEL: (reference > 0) & (prediction > 0) & (reference != prediction),
    }
    picture = np.zeros((*both.shape, 4))
    for colour, voxels in kinds.items():
        picture[voxels] = to_rgba(colour, OPACITY[colour])
    return picture


def window_around(marked: np.ndarray, aspect: float) -> Window:
    """The square to show: around all that is marked, with room; the whole image where nothing is.

    Args:
        marked: bool `(rows, columns)`.
        aspect: height of a pixel over its width.
    """
    rows, columns = marked.shape
    longest = max(rows * aspect, columns)
    if not marked.any():
        return square(columns / 2, rows / 2, longest, aspect)
    y, x = (np.flatnonzero(marked.any(axis)) for axis in (1, 0))
    height, width = (y[-1] - y[0] + 1) * aspect, x[-1] - x[0] + 1
    side = min(max(ROOM * max(height, width), SMALLEST_SHARE * longest), longest)
    across = slide((x[0] + x[-1] + 1) / 2, side, columns)
    down = slide((y[0] + y[-1] + 1) / 2, side / aspect, rows)
    return square(across, down, side, aspect)


def square(across: float, down: float, side: float, aspect: float) -> Window:
    """The square around a point; lengths in pixel widths, and the first pixel's edge at -0.5, as matplotlib has it."""
    half, tall = side / 2, side / aspect / 2
    return Window(across - half - 0.5, across + half - 0.5, down - tall - 0.5, down + tall - 0.5)


def slide(centre: float, length: float, available: float) -> float:
    """The centre nearest to the wished one that leaves nothing outside; the middle where there is too little."""
    return float(np.clip(centre, length / 2, available - length / 2)) if length <= available else available / 2


def draw_scale_bar(axes: Axes, width_mm: float) -> None:
    """A bar of a round length, about a fifth of the picture, at its lower left."""
    length = round_length(width_mm / 5)
    ends = 0.05, 0.05 + length / width_mm
    around = [withStroke(linewidth=3, foreground="black")]
    style: dict[str, Any] = {"transform": axes.transAxes, "color": "white", "path_effects": around}
    axes.plot(ends, (0.05, 0.05), linewidth=1.6, solid_capstyle="butt", **style)
    axes.text(ends[0], 0.075, f"{length:g} mm", fontsize=7, va="bottom", **style)


def round_length(length: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not above a length."""
    power = 10 ** np.floor(np.log10(length))
    return float(max(step * power for step in (1, 2, 5) if step * power <= length * (1 + 1e-9)))
