"""Figures of a classifier: its curves, its scores with their intervals, and what was called what."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from synthtrial.report import numbers
from synthtrial.report.baselines import in_words as baseline_in_words
from synthtrial.report.class_frames import ensembles
from synthtrial.report.figure_style import FAINT, GRID, INK, REFERENCE_COLOUR, house_style, light_grid, new_figure
from synthtrial.report.results import Results

ACROSS = 4
"""Confusion matrices side by side."""

FEWEST = 5
"""Cases in a bin of the reliability panel; the share of fewer says nothing."""

CURVES = {
    "ROC": ("1 − specificity", "Sensitivity"),
    "Precision and recall": ("Recall", "Precision"),
    "Reliability": ("Mean probability", "Share of cases"),
}
"""Panels of the curves, and their axes."""


@house_style
def curve_figure(results: Results, model: str) -> Figure:
    """ROC, precision over recall, and reliability of the ensembles: a line per arm, baselines thin and grey."""
    figure, (panels,) = new_figure(1, 3, height=3.75)
    baselines = 0
    for name, cases in ensembles(results, model).items():
        if name in results.arms:
            draw_curves(panels, cases, name, results.colours[name], results.markers[name])
        else:
            draw_baseline(panels, cases, baseline_in_words(name), ("--", ":", "-.")[baselines % 3])
            baselines += 1
    share = float((results.ensemble(model, results.reference)["label"] == results.classes[1]).mean())
    guesses = (([0, 1], [0, 1]), ([0, 1], [share, share]), ([0, 1], [0, 1]))
    for axes, (title, (x, y)), guess in zip(panels, CURVES.items(), guesses, strict=True):
        axes.plot(*guess, color=GRID, linewidth=1.2, zorder=0)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=x, ylabel=y, title=title, aspect="equal")
        light_grid(axes)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 4))
    return figure


def draw_curves(panels: np.ndarray, cases: pd.DataFrame, name: str, colour: str, marker: str) -> None:
    """One arm in the three panels; marks on the first two are the threshold in use."""
    from synthtrial.classification.metrics import precision_recall_curve, reliability, roc_curve, score

    roc, ranked, bins = roc_curve(cases), precision_recall_curve(cases), reliability(cases)
    bins = bins[bins["cases"] >= FEWEST]
    positive = cases["positive"].iloc[0]
    negative = next(iter({*cases["label"]} - {positive}))
    recall = score(cases, f"recall/{positive}")
    used = {"color": colour, "marker": marker, "markersize": 7, "markeredgecolor": "white", "linestyle": ""}
    panels[0].plot(roc["false_positive_rate"], roc["recall"], color=colour, linewidth=1.6)
    panels[0].plot(1 - score(cases, f"recall/{negative}"), recall, **used)
    panels[0].plot([], [], color=colour, marker=marker, markersize=6, linewidth=1.6, label=name)
    panels[1].step(ranked["recall"], ranked["precision"], where="post", color=colour, linewidth=1.6)
    panels[1].plot(recall, score(cases, f"precision/{positive}"), **used)
    panels[2].plot(bins["probability"], bins["share"], color=colour, linewidth=0.8, alpha=0.35)
    size = 8 + 120 * bins["cases"] / len(cases)
    panels[2].scatter(bins["probability"], bins["share"], s=size, color=colour, marker=marker, linewidth=0, alpha=0.9)


def draw_baseline(panels: np.ndarray, cases: pd.DataFrame, name: str, line: str) -> None:
    """A baseline in the first two panels."""
    from synthtrial.classification.metrics import precision_recall_curve, roc_curve

    roc, ranked = roc_curve(cases), precision_recall_curve(cases)
    style = {"color": FAINT, "linewidth": 1.1, "linestyle": line}
    panels[0].plot(roc["false_positive_rate"], roc["recall"], label=name, **style)
    panels[1].step(ranked["recall"], ranked["precision"], where="post", **style)


@house_style
def score_figure(results: Results, frame: pd.DataFrame, metrics: dict[str, str]) -> Figure:
    """Scores of the ensembles with their intervals, a panel per metric and a line per arm; baselines are grey.

    Args:
        results: of the study.
        frame: of `ensemble_frame`.
        metrics: those to show, with their titles.
    """
    rows = -(-len(metrics) // 3)
    figure, grid = new_figure(rows, 3, height=rows * (0.85 + 0.22 * len(frame)), sharey=True)
    figure.get_layout_engine().set(h_pad=0.08)  # type: ignore[union-attr, call-arg]
    lines = np.arange(len(frame))[::-1]
    names = [row["arm"] if not row["baseline"] else baseline_in_words(row["arm"]) for row in frame.to_dict("records")]
    for axes, (metric, title) in zip(grid.flat, metrics.items(), strict=False):
        for line, row in zip(lines, frame.to_dict("records"), strict=True):
            colour = FAINT if row["baseline"] else results.colours[row["arm"]]
            marker = "o" if row["baseline"] else results.markers[row["arm"]]
            axes.plot([row[f"{metric}_low"], row[f"{metric}_high"]], [line, line], color=colour, linewidth=1.8)
            axes.plot(row[metric], line, color=colour, marker=marker, markersize=6)
        axes.axvline(frame[metric].iloc[0], color=REFERENCE_COLOUR, linewidth=0.8, linestyle=":", zorder=0)
        axes.set(title=title, ylim=(-0.6, len(frame) - 0.4))
        axes.set_yticks(lines, names)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        light_grid(axes, "x")
    for axes in grid.flat[len(metrics) :]:
        axes.set_axis_off()
    return figure


@house_style
def confusion_figure(results: Results, frame: pd.DataFrame) -> Figure:
    """A matrix per arm and baseline: counts and row shares, the shade is the share.

    Args:
        results: of the study.
        frame: of `call_frame`.
    """
    columns = min(ACROSS, len(frame))
    rows = -(-len(frame) // columns)
    figure, grid = new_figure(rows, columns, height=0.35 + 2.15 * rows, width=0.6 + 2.15 * columns)
    figure.get_layout_engine().set(h_pad=0.08)  # type: ignore[union-attr, call-arg]
    for axes, row in zip(grid.flat, frame.to_dict("records"), strict=False):
        baseline = row["arm"] not in results.arms
        axes.set_title(
            baseline_in_words(row["arm"]) if baseline else row["arm"],
            color=FAINT if baseline else results.colours[row["arm"]],
        )
        draw_matrix(axes, results.classes, row)
    for axes in grid.flat[len(frame) :]:
        axes.set_axis_off()
    return figure


def draw_matrix(axes: Axes, classes: tuple[str, str], row: dict) -> None:
    """Two by two cells: what cases are from top to bottom, what they were called from left to right."""
    counts = np.array([[row[f"{true}_as_{said}"] for said in classes] for true in classes], float)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(0.75 * shares, cmap="Blues", vmin=0, vmax=1)
    for (i, j), count in np.ndenumerate(counts):
        text = f"{numbers.count(count)}\n{100 * shares[i, j]:.0f} %"
        axes.text(j, i, text, ha="center", va="center", color="white" if shares[i, j] > 0.75 else INK)
    axes.set_xticks(range(2), [f"called\n{name}" for name in classes])
    axes.set_yticks(range(2), classes, rotation=90, va="center")
    axes.tick_params(length=0)
    axes.set_xticks([0.5], minor=True)
    axes.set_yticks([0.5], minor=True)
    axes.grid(True, which="minor", color="white", linewidth=2)
    axes.tick_params(which="minor", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
