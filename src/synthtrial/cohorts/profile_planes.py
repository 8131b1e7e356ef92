"""Pages of cases for the cohort report: planes with the mask outlined, and examples of each class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from synthtrial.cohorts.prepared import PreparedCohort

COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#666666"]
"""Okabe and Ito: told apart by colour-blind readers."""

SHOWN_CASES = 6
"""Cases on the page of planes."""

SHOWN_OF_CLASS = 8
"""Cases of each class on the page of classes."""


def planes(cohort: PreparedCohort) -> Figure:
    """A few cases with their mask outlined: three planes through the most mask voxels, or the slice itself in 2D."""
    ids = list(cohort.cases["case_id"])
    chosen = [ids[k] for k in np.unique(np.linspace(0, len(ids) - 1, SHOWN_CASES).astype(int))]
    names = ["axial", "coronal", "sagittal"] if len(cohort.shape) == 3 else [""]
    sizes = plane_sizes(cohort)
    heights = [1.9 * height / width for height, width in sizes]
    figure = Figure(figsize=(1.9 * len(chosen), sum(heights) + 0.1 * len(names) + 0.2), layout="constrained")
    grid = figure.subplots(len(names), len(chosen), squeeze=False, height_ratios=heights)
    for column, case_id in enumerate(chosen):
        image, mask = cohort.image(case_id), np.asarray(cohort.mask(case_id))
        views = three_planes(image, mask) if len(names) == 3 else [(image, mask)]
        for axes, view, (height, width) in zip(grid[:, column], views, sizes, strict=True):
            show(axes, *view, height / width)
        grid[0, column].set_title(case_id, fontsize=7)
    for axes, name in zip(grid[:, 0], names, strict=True):
        axes.set_ylabel(name)
    return figure


def plane_sizes(cohort: PreparedCohort) -> list[tuple[float, float]]:
    """Height and width of each plane, mm."""
    size = [n * step for n, step in zip(cohort.shape, cohort.facts["spacing_mm"], strict=True)]
    return [(size[1], size[0]), (size[2], size[0]), (size[2], size[1])] if len(size) == 3 else [(size[0], size[1])]


def three_planes(image: np.ndarray, mask: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cut `(C, x, y, z)` and `(x, y, z)` through the planes with the most mask voxels.

    Returns:
        Axial, coronal and sagittal (image `(C, rows, columns)`, mask) as radiologists look at them: the right side
        on the left, front or head on top.
    """
    views = []
    for axis in (2, 1, 0):
        counts = (mask > 0).sum(axis=tuple(other for other in range(3) if other != axis))
        at = int(counts.argmax()) if counts.any() else mask.shape[axis] // 2
        picture, outline = np.take(image, at, axis=axis + 1), np.take(mask, at, axis=axis)
        views.append((np.swapaxes(picture, 1, 2)[:, ::-1, ::-1], outline.T[::-1, ::-1]))
    return views


def show(axes: Axes, image: np.ndarray, mask: np.ndarray, proportion: float) -> None:
    """Draw one picture in [-1, 1], of true height / width, with the outlines of its labels."""
    picture = np.clip((np.moveaxis(image, 0, 2) + 1) / 2, 0, 1) if len(image) == 3 else image[0]
    rows, columns = mask.shape
    axes.imshow(picture, cmap="gray", vmin=-1, vmax=1, interpolation="nearest", aspect=proportion * columns / rows)
    for value in np.unique(mask[mask > 0]):
        axes.contour(mask == value, [0.5], colors=[COLOURS[int(value) % len(COLOURS)]], linewidths=1)
    axes.set(xticks=[], yticks=[])


def class_examples(cohort: PreparedCohort, classes: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Cases of each class, one class per row, with its counts: axial planes through most mask voxels, or pictures.

    Args:
        cohort: the prepared cohort.
        classes: `classes` of its profile.
    """
    height, width = plane_sizes(cohort)[0]
    tall = 1.3 * height / width
    figure = Figure(figsize=(1.3 * SHOWN_OF_CLASS, (tall + 0.45) * len(classes)), layout="constrained")
    rows = figure.subfigures(len(classes), 1, squeeze=False)[:, 0]
    for row, (label, counts) in zip(rows, classes.items(), strict=True):
        ids = list(cohort.cases["case_id"][cohort.cases["label"] == label])
        chosen = [ids[k] for k in np.unique(np.linspace(0, len(ids) - 1, SHOWN_OF_CLASS).astype(int))]
        row.suptitle(f"{label}: {counts['cases']} cases of {counts['patients']} patients", fontsize=9)
        grid = row.subplots(1, SHOWN_OF_CLASS)
        for axes in grid[len(chosen) :]:
            axes.set_axis_off()
        for axes, case_id in zip(grid, chosen, strict=False):
            image, mask = cohort.image(case_id), np.asarray(cohort.mask(case_id))
            view = three_planes(image, mask)[0] if len(cohort.shape) == 3 else (image, mask)
            show(axes, *view, height / width)
    return figure
