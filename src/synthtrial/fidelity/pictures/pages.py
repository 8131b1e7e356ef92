"""Sample pages: real cases beside synthetic ones, cut through the lesion, with the mask outlined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.pictures.style import COLOURS, LABEL_COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLANES = (("axial", 2, "R", "L"), ("coronal", 1, "R", "L"), ("sagittal", 0, "A", "P"))
"""Name, the axis (of RAS order) cut across, and what lies at the left and right edge of the picture."""


@dataclass(frozen=True)
class Cut:
    """A slice as it is shown: rows from top to bottom, columns from left to right.

    Attributes:
        image: `(C, rows, columns)` in [-1, 1].
        mask: label map `(rows, columns)`.
        aspect: height of a pixel over its width.
    """

    image: np.ndarray
    mask: np.ndarray
    aspect: float


def cut_plane(image: np.ndarray, mask: np.ndarray, axis: int, spacing_mm: Sequence[float]) -> Cut:
    """Cut a RAS volume `(C, x, y, z)` across an axis, where the mask is largest, in radiological orientation.

    The patient's right (or front) is at the left edge, and front (or head) is up. Without a lesion the middle is cut.
    """
    areas = (mask > 0).sum(axis=tuple(a for a in range(3) if a != axis))
    index = int(areas.argmax()) if areas.any() else mask.shape[axis] // 2
    width_mm, height_mm = (spacing_mm[a] for a in range(3) if a != axis)
    return Cut(
        image=np.take(image, index, axis + 1).transpose(0, 2, 1)[:, ::-1, ::-1],
        mask=np.take(mask, index, axis).T[::-1, ::-1],
        aspect=height_mm / width_mm,
    )


def sample_page(real: Cases, synthetic: Cases) -> Figure:
    """A page of real cases at the left, and synthetic ones at the right.

    A 3D case is a row of three planes, through the slice where its lesion is largest; 2D cases stand three in a row.

    Args:
        real: the real cases to show.
        synthetic: as many synthetic ones.
    """
    from matplotlib.figure import Figure

    spacing_mm = real.source.spacing_mm
    three_planes = len(spacing_mm) == 3
    rows = len(real) if three_planes else -(-len(real) // 3)
    figure = Figure(figsize=(11, 1.75 * rows + 0.7), layout="constrained")
    halves = figure.subfigures(1, 2, squeeze=False, wspace=0.04)[0]
    for half, (name, cases) in zip(halves, (("real", real), ("synthetic", synthetic)), strict=True):
        half.suptitle(name, color=COLOURS[name], fontweight="bold")
        draw = _draw_planes if three_planes else _draw_images
        draw(half.subplots(rows, 3, squeeze=False), cases, spacing_mm)
    _draw_legend(figure, real.source.labels)
    return figure


def _draw_planes(grid: np.ndarray, cases: Cases, spacing_mm: Sequence[float]) -> None:
    """One row of three planes per case of a 3D cohort."""
    for row, case_id, image, mask in zip(grid, cases.case_ids, cases.images(), cases.masks(), strict=True):
        for axes, (_, axis, _, _) in zip(row, PLANES, strict=True):
            draw_cut(axes, cut_plane(image, mask, axis, spacing_mm))
        row[0].set_ylabel(case_id, fontsize="xx-small")
    background = {"facecolor": "black", "alpha": 0.5, "linewidth": 0, "pad": 1}
    for axes, (plane, _, left, right) in zip(grid[0], PLANES, strict=True):
        axes.set_title(plane, fontsize="small")
        for x, side, text in ((0.03, "left", left), (0.97, "right", right)):
            axes.text(
                x,
                0.5,
                text,
                transform=axes.transAxes,
                color="white",
                fontsize="x-small",
                ha=side,
                va="center",
                bbox=background,
            )


def _draw_images(grid: np.ndarray, cases: Cases, spacing_mm: Sequence[float]) -> None:
    """One picture per case of a 2D cohort."""
    for axes in grid.flat[len(cases) :]:
        axes.set_axis_off()
    for axes, case_id, image, mask in zip(grid.flat, cases.case_ids, cases.images(), cases.masks(), strict=False):
        cut = Cut(image, mask, spacing_mm[0] / spacing_mm[1])
        draw_cut(axes, cut)
        axes.set_xlabel(case_id, fontsize="xx-small")


def draw_cut(axes: Axes, cut: Cut) -> None:
    """Show a slice in grey, or in colour where it has three channels, with the outline of each label."""
    grey = len(cut.image) != 3
    pixels = cut.image[0] if grey else np.clip((cut.image.transpose(1, 2, 0) + 1) / 2, 0, 1)
    axes.imshow(pixels, cmap="gray", vmin=-1, vmax=1, aspect=cut.aspect, interpolation="nearest")
    for value in np.unique(cut.mask[cut.mask > 0]):
        colour = LABEL_COLOURS[(value - 1) % len(LABEL_COLOURS)]
        axes.contour(cut.mask == value, levels=[0.5], colors=[colour], linewidths=1.0)
    axes.set(xticks=[], yticks=[], anchor="N")
    axes.spines[:].set_visible(False)


def _draw_legend(figure: Figure, labels: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    if labels:
        lines = [
            Line2D([], [], color=LABEL_COLOURS[k % len(LABEL_COLOURS)], label=label) for k, label in enumerate(labels)
        ]
        figure.legend(handles=lines, loc="outside lower center", ncols=len(labels), frameon=False, fontsize="small")
