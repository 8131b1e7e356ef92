"""The figure of a visual Turing test: scores and AUC, rater by rater."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synthtrial.fidelity.pictures.style import COLOURS
from synthtrial.fidelity.turing.choosing import Kind
from synthtrial.fidelity.turing.results import Results
from synthtrial.fidelity.turing.together import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS: tuple[Kind, ...] = ("real", "synthetic")
OFFSET = 0.17
"""Of real cases above a rater's line, and of synthetic ones below."""

NAME_LENGTH = 22


def results_figure(results: Results) -> Figure:
    """Left: every score, with the mean of each kind; right: AUC of each rater and of all together."""
    from matplotlib.figure import Figure

    rows = len(results.raters) + (results.pooled is not None)
    figure = Figure(figsize=(9.5, 1.9 + 0.62 * rows), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1.35, 1])
    _draw_scores(left, results)
    _draw_auc(right, results)
    names = [_short(rater.rater) for rater in results.raters] + ["all raters"] * (results.pooled is not None)
    left.set_yticks(range(rows), names)
    left.set_ylim(rows - 0.4, -0.6)
    for axes in (left, right):
        axes.tick_params(axis="y", length=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=4, frameon=False, fontsize="small")
    return figure


def _draw_scores(axes: Axes, results: Results) -> None:
    rng = np.random.default_rng(0)
    for kind, side in zip(KINDS, (-1, 1), strict=True):
        label, count = f"{kind}, mean and 95 % interval", results.key.facts[f"n_{kind}"]
        for row, (scores, rater) in enumerate(zip(results.scores(kind), results.raters, strict=True)):
            y = row + side * OFFSET
            jitter = rng.uniform(-0.09, 0.09, (2, count)) * [[1.6], [1]]
            axes.scatter(scores + jitter[0], y + jitter[1], s=11, color=COLOURS[kind], alpha=0.45, linewidths=0)
            estimate = rater.mean_real if kind == "real" else rater.mean_synthetic
            _draw_estimate(axes, estimate, y, COLOURS[kind], label if row == 0 else None)
    if results.pooled is not None:
        means = [float(results.scores(kind).mean()) for kind in KINDS]
        colours = [COLOURS[kind] for kind in KINDS]
        axes.scatter(
            means, len(results.raters) + np.array([-OFFSET, OFFSET]), s=42, marker="D", color=colours, zorder=3
        )
    axes.set_xlim(-0.5, 10.5)
    axes.set_xticks(range(0, 11, 2))
    axes.set_xlabel("score: 0 surely real, 10 surely made by a computer")
    axes.set_title("What they said", loc="left", fontsize="medium")


def _draw_auc(axes: Axes, results: Results) -> None:
    axes.axvline(0.5, color="0.6", linewidth=1, linestyle=(0, (4, 3)), zorder=0)
    for row, rater in enumerate(results.raters):
        _draw_estimate(axes, rater.auc, row, "0.25", None)
    if results.pooled is not None:
        _draw_estimate(axes, results.pooled.auc, len(results.raters), "black", None, marker="D")
    axes.set_xlim(-0.02, 1.02)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5\nguessing", "0.75", "1\nall told apart"])
    axes.set_xlabel("AUC with 95 % interval")
    axes.set_title("Could they tell?", loc="left", fontsize="medium")


def _draw_estimate(axes: Axes, estimate: Estimate, y: float, colour: str, label: str | None, marker: str = "o") -> None:
    axes.plot([estimate.low, estimate.high], [y, y], color=colour, linewidth=2.2, solid_capstyle="butt", zorder=2)
    axes.plot(
        estimate.value,
        y,
        marker,
        color=colour,
        markersize=7,
        markeredgecolor="white",
        zorder=3,
        label=label,
        linestyle="none",
    )


def _short(name: str) -> str:
    return name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…"
