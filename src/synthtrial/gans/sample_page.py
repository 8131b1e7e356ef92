"""A picture of real cases above synthetic ones, masks outlined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from synthtrial.atomic import atomic_file

SHOWN = 8
"""Cases on a page."""

COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#D55E00", "#0072B2")
"""Okabe and Ito's colours, one per label."""


def write_sample_page(path: Path, rows: dict[str, Tensor], representation: Any) -> None:
    """Write a PNG with one column per case; of volumes the slice of the last axis that shows the mask best.

    Args:
        path: the file.
        rows: arrays `(n, channels, *padded)` as the generator sees them, by the title of their row.
        representation: takes an array apart into image and mask scores.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = max(map(len, rows.values()))
    figure = Figure(figsize=(1.6 * columns, 1.8 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for row, (title, arrays) in zip(axes, rows.items(), strict=True):
        row[0].set_title(title, loc="left", fontsize=10)
        for axis, array in zip(row, arrays, strict=False):
            image, scores = representation.decode(array.numpy())
            _draw(axis, *_best_slice(image, scores))
        for axis in row:
            axis.axis("off")
    with atomic_file(path) as partial:
        figure.savefig(partial, dpi=120)


def _best_slice(image: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut a 3D case where most of its mask lies, or through the middle when it has none."""
    if image.ndim == 3:
        return image, scores
    voxels = (scores > 0).sum(axis=tuple(range(scores.ndim - 1)))
    index = int(voxels.argmax()) if voxels.any() else image.shape[-1] // 2
    return image[..., index], scores[..., index]


def _draw(axis: Any, image: np.ndarray, scores: np.ndarray) -> None:
    shown = image.transpose(1, 2, 0) if len(image) == 3 else image[0]
    axis.imshow(np.clip((shown + 1) / 2, 0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    for label, score in enumerate(scores):
        if score.min() < 0 < score.max():
            axis.contour(score, levels=[0.0], colors=[COLOURS[label % len(COLOURS)]], linewidths=0.9)
