"""What the trial could have seen, and what its error is made of: part of the verdict's section."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from synthtrial.report import numbers
from synthtrial.report.blocks import Block, Column, Picture, Table
from synthtrial.report.figure_style import INK, house_style, light_grid, new_figure
from synthtrial.report.results import Results

SOURCES = {"seed": "#E69F00", "fold": "#D55E00", "patient": "#0072B2", "residual": "#B8C1CA"}
"""Sources of variance, from left to right; what is trained is warm, what is judged is cold."""

SHARES = {
    "arm": "Arm",
    "fold": "Fold",
    "seed": "Seed",
    "patient": "Patient",
    "arm_patient": "Arm in a patient",
    "residual": "Rest",
}


def reach_blocks(results: Results, model: str, compared: pd.DataFrame) -> list[Block]:
    """Parts of the error per arm, the smallest effect that could have been seen, and shares of all scores.

    Args:
        results: of the study.
        model: whose arms.
        compared: the rows of `verdict_frame` but for the reference.
    """
    if not len(compared):
        return []
    blocks: list[Block] = [variance_picture(results, model, compared), reach_table(results, model, compared)]
    shares = results.verdict["models"][model]["variance_shares"]
    return [*blocks, share_table(results, model, shares)] if shares else blocks


def variance_picture(results: Results, model: str, compared: pd.DataFrame) -> Picture:
    """Training variance beside patient variance."""
    known = compared["part_seed"].notna().any()
    seeds = "" if known else " With one training per fold, the luck of seeds is part of the folds'."
    return Picture(
        name=f"variance_{model}",
        content=variance_plot(compared),
        caption="What the squared standard error of each difference is made of: trainings (seed, fold) and judging "
        f"(patient, residual), {results.model_word} {model}.{seeds} More repeats shrink the seeds' part, more test "
        "patients that of patients; only other folds shrink the folds'.",
        alt="Stacked bars: shares of seed, fold, patient and residual in the variance of each arm's difference.",
        cases="test",
    )


@house_style
def variance_plot(compared: pd.DataFrame) -> Figure:
    """One bar per arm, of its parts in percent."""
    parts = compared[[f"part_{source}" for source in SOURCES]].to_numpy(float)
    known = ~np.isnan(parts).all(0)
    parts = np.nan_to_num(parts)
    shares = 100 * parts / np.maximum(parts.sum(1, keepdims=True), np.finfo(float).tiny)
    names = ["fold and seed" if source == "fold" and not known[0] else source for source in SOURCES]
    figure, grid = new_figure(height=0.95 + 0.34 * len(compared))
    axes = grid[0, 0]
    lines = np.arange(len(compared))[::-1]
    starts = np.cumsum(shares, axis=1) - shares
    for index, (name, colour) in enumerate(zip(names, SOURCES.values(), strict=True)):
        if known[index]:
            axes.barh(lines, shares[:, index], left=starts[:, index], height=0.6, color=colour, label=name)
    axes.set(xlim=(0, 100), ylim=(-0.6, len(compared) - 0.4), xlabel="Share of the variance of the mean difference, %")
    axes.set_yticks(lines, compared["arm"], color=INK)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    light_grid(axes, "x")
    figure.legend(loc="outside upper center", ncols=len(SOURCES))
    return figure


def reach_table(results: Results, model: str, compared: pd.DataFrame) -> Table:
    """The smallest effect that each comparison could have seen."""
    per_arm = results.params["protocol"]["alpha"] / len(compared)
    shown = compared[["arm", "standard_error", "df", "smallest_detectable"]]
    count = compared["repeats_to_halve"].map(lambda number: "" if pd.isna(number) else numbers.count(number))
    return Table(
        name=f"reach_{model}",
        frame=shown.assign(repeats_to_halve=compared["halving"].where(compared["halving"] != "", count)),
        columns=[
            Column("arm", "Arm", number=False),
            Column("standard_error", "Standard error", numbers.significant),
            Column("df", "Degrees of freedom", numbers.significant),
            Column("smallest_detectable", "Smallest detectable", numbers.dice),
            Column("repeats_to_halve", "Repeats per fold that would halve it", number=False),
        ],
        caption=f"Smallest detectable: the true difference of {results.metric} that a trial with this standard error "
        f"finds four times in five, at p below {per_arm:.3g} (Holm's first step for {len(compared)} "
        f"{'arms' if len(compared) > 1 else 'arm'}). A smaller effect may well exist unseen.",
        cases="test",
    )


def share_table(results: Results, model: str, shares: dict[str, float | None]) -> Table:
    """What single scores vary by, over all arms."""
    single = f"a single test {results.metric}"
    score = f"{single}, as a pseudo-value" if results.task == "classify" else single
    seeds = "" if shares["seed"] is not None else " With one training per fold, Fold includes the seeds."
    return Table(
        name=f"variance_shares_{model}",
        frame=pd.DataFrame([shares]),
        columns=[Column(name, title, numbers.percent) for name, title in SHARES.items()],
        caption=f"What {score} (one model, one patient) varies by, over all arms; the shares sum to 100 %."
        f"{seeds} Arm in a patient: what an arm does for this patient and not for others.",
        cases="test",
    )
