"""All metrics per arm on the judged cases, and Dice per fold on the validation cases: never in one table."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from synthtrial.report import numbers
from synthtrial.report.blocks import Block, Column, Picture, Section, Table
from synthtrial.report.figure_style import GRID, house_style, light_grid, new_figure
from synthtrial.report.metric_blocks import metric_blocks
from synthtrial.report.per_model import per_model
from synthtrial.report.protocols import describe
from synthtrial.report.results import Results
from synthtrial.report.tables import patient_frame, test_frame
from synthtrial.report.validation_table import validation_table


def section(results: Results) -> Section:
    """Test scores of each segmenter, then its validation Dice; classifiers have a section of their own."""
    models = results.models if results.task == "segment" else []
    blocks = per_model(results, models, partial(model_blocks, results))
    return Section("scores", "Scores per arm, patient and fold", blocks)


def model_blocks(results: Results, model: str) -> list[Block]:
    """Test and validation scores of one segmenter."""
    return [
        test_table(results, model),
        patient_picture(results, model),
        *metric_blocks(results, model),
        validation_table(results, model, "dice", "validation_dice"),
    ]


def test_table(results: Results, model: str) -> Table:
    """Dice on the judged cases per arm: fold models, ensemble, per label."""
    labels = [Column(name, name.removeprefix("dice/"), numbers.dice) for name in results.label_columns]
    return Table(
        name=f"test_dice_{model}",
        frame=test_frame(results, model),
        columns=[
            Column("arm", "Arm", number=False),
            Column("fold_models", "Fold models, mean", numbers.dice),
            Column("fold_models_sd", "SD of fold models", numbers.dice),
            Column("ensemble", "Ensemble", numbers.dice),
            *labels,
            Column("patients_sd", "SD over patients", numbers.dice),
            Column("patients", "Patients", numbers.count),
        ],
        caption=f"Dice on {describe(results.protocol).judged}, segmenter {model}, on the original grid. Fold "
        "models: mean of the single models, which the verdict compares; their standard deviation (SD) is what another "
        f"training may change. Ensemble: all fold models together{', also per label' if labels else ''}; its SD over "
        "patients is how much patients differ.",
        cases="test",
    )


def patient_picture(results: Results, model: str) -> Picture:
    """Dice of every judged patient by arm."""
    return Picture(
        name=f"test_dice_{model}",
        content=patient_plot(results, model),
        caption=f"Dice of the ensemble on {describe(results.protocol).judged}, segmenter {model}: one mark per "
        "patient, thin lines join the same patient. Boxes show the median and the quartiles, whiskers reach to the "
        "furthest patient within 1.5 box lengths.",
        alt="Dice per patient, by arm.",
        cases="test",
    )


@house_style
def patient_plot(results: Results, model: str) -> Figure:
    """One box and one line of marks per arm, on a scale that shows all patients."""
    frame = patient_frame(results, model)
    figure, grid = new_figure(height=0.6 + 0.62 * len(results.arms))
    axes = grid[0, 0]
    lines = np.arange(len(results.arms))[::-1]
    jitter = np.random.default_rng(0).uniform(-0.14, 0.14, len(frame))
    for scores, shift in zip(frame[results.arms].to_numpy(float), jitter, strict=True):
        axes.plot(scores, lines + shift, color=GRID, linewidth=0.8, zorder=1)
    for line, arm in zip(lines, results.arms, strict=True):
        colour, marker = results.colours[arm], results.markers[arm]
        axes.boxplot(frame[arm].dropna(), positions=[line], **box_style(colour))
        axes.scatter(frame[arm], line + jitter, s=20, color=colour, marker=marker, alpha=0.75, linewidth=0, zorder=3)
    axes.set_yticks(lines, results.arms)
    axes.set(xlabel="Dice of the ensemble", ylim=(-0.6, len(lines) - 0.4))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    light_grid(axes, "x")
    return figure


def box_style(colour: str) -> dict[str, Any]:
    """A lying box in one colour, behind the marks."""
    line = {"color": colour, "linewidth": 1.1, "zorder": 2}
    parts = {f"{part}props": line for part in ("box", "whisker", "cap")}
    return parts | {"medianprops": line | {"linewidth": 2.4}, "widths": 0.5, "showfliers": False, "vert": False}
