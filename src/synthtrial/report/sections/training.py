"""Loss curves of the generators and of the segmenters, and whether a generator collapsed."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from synthtrial.report import numbers
from synthtrial.report.blocks import Banner, Block, Column, Heading, Picture, Section, Table, Text
from synthtrial.report.figure_style import REFERENCE_COLOUR, house_style, light_grid, new_figure
from synthtrial.report.results import Results, Synthesis
from synthtrial.report.tables import loss_frame, loss_terms

ACROSS = 3
"""Loss terms side by side."""


def section(results: Results) -> Section:
    """Generators first, then segmenters."""
    blocks: list[Block] = []
    for synthesis in results.trainings:
        blocks += generator_blocks(results, synthesis)
    if results.syntheses:
        blocks.append(loss_table(results))
    blocks.append(Heading("Segmenters"))
    blocks += [segmenter_picture(results, segmenter) for segmenter in results.segmenters]
    return Section("training", "Training", blocks)


def generator_blocks(results: Results, synthesis: Synthesis) -> list[Block]:
    """What became of one generator."""
    model, name = synthesis.model, f"{synthesis.generator}, split {synthesis.split}"
    weights = ", ".join(f"{part} {numbers.count(size)}" for part, size in model["parameters"].items())
    blocks: list[Block] = [
        Heading(f"Generator {name}"),
        Text(
            f"Trained on {len(model['seen_cases'])} cases of {len(model['seen_patients'])} patients, for "
            f"{numbers.count(model['images_seen'])} images, seed {model['seed']}. Trainable parameters: {weights}."
        ),
    ]
    if model["collapsed"]:
        reason = model["reason"].rstrip(".")
        blocks.append(Banner("COLLAPSED", f"Training of {name} was judged to have collapsed: {reason}."))
    else:
        blocks.append(Text("No collapse was seen during training."))
    if origin := model.get("start_from"):
        blocks.append(Text(f"It started from the weights in {origin['folder']}: {len(origin['taken'])} tensors taken."))
    blocks.append(loss_picture(synthesis))
    if synthesis.samples is not None:
        blocks.append(
            Picture(
                name=f"training_samples_{synthesis.generator}_{synthesis.split}",
                content=synthesis.samples,
                caption=f"Samples of {name} at the end of training, before decoding and post-processing.",
                alt="Grid of generated samples.",
            )
        )
    if synthesis.reconstructions is not None:
        blocks.append(
            Picture(
                name=f"reconstructions_{synthesis.generator}_{synthesis.split}",
                content=synthesis.reconstructions,
                caption=f"Real cases, encoded and made again by {synthesis.generator}: what its latent space holds.",
                alt="Grid of real cases above their reconstructions.",
                cases="training",
            )
        )
    return blocks


def loss_picture(synthesis: Synthesis) -> Picture:
    """Every loss term over images seen."""
    return Picture(
        name=f"losses_{synthesis.generator}_{synthesis.split}",
        content=loss_plot(synthesis),
        caption=f"Losses of generator {synthesis.generator} over images seen: means per logging interval (thin), and "
        "the exponential moving average over steps with weight 0.001 (thick). The two sides of a GAN should hold each "
        "other in balance; a discriminator whose loss stays near zero teaches the generator nothing more.",
        alt="Loss curves of the generator's networks.",
        cases="training",
    )


@house_style
def loss_plot(synthesis: Synthesis) -> Figure:
    """One panel per term: means per interval thin, the exponential moving average over steps thick."""
    terms = loss_terms(synthesis.losses)
    rows = max(1, -(-len(terms) // ACROSS))
    figure, grid = new_figure(rows, ACROSS, height=2.1 * rows, sharex=True)
    for axes in grid.flat[len(terms) :]:
        axes.set_axis_off()
    for axes, term in zip(grid.flat, terms, strict=False):
        values = synthesis.losses[["images", term]].dropna()
        smooth = synthesis.smooth_losses[["images", term]].dropna()
        axes.plot(values["images"], values[term], color=REFERENCE_COLOUR, linewidth=0.7, alpha=0.35)
        axes.plot(smooth["images"], smooth[term], color=REFERENCE_COLOUR, linewidth=1.8)
        axes.set_title(term)
        axes.tick_params(axis="x", labelbottom=True)
        light_grid(axes)
    figure.supxlabel("Images seen", fontsize=9)
    return figure


def loss_table(results: Results) -> Table:
    """Minimum, maximum, mean and moving average of every loss term."""
    frame = loss_frame(results)
    names = {"min": "Min", "max": "Max", "mean": "Mean", "average": "Moving average at the end"}
    shown = [Column(key, name, numbers.significant) for key, name in names.items()]
    return Table(
        name="losses",
        frame=frame,
        columns=[
            Column("generator", "Generator", number=False),
            Column("split", "Split", number=False),
            Column("term", "Loss term", number=False),
            *shown,
        ],
        caption="Every loss term over all steps of the training.",
        cases="training",
    )


def segmenter_picture(results: Results, segmenter: str) -> Picture:
    """Loss and validation Dice of one segmenter over its steps."""
    return Picture(
        name=f"segmentation_curves_{segmenter}",
        content=segmenter_plot(results, segmenter),
        caption=f"Training of segmenter {segmenter}: loss (left) and validation Dice (right) over optimizer steps. "
        "Thick: mean of the folds; thin: single folds. The loss of each arm is measured on its own training images, so "
        "only the validation Dice, on real images for every arm, can be compared. Curves that still rise at their end "
        "ask for more steps.",
        alt="Training loss and validation Dice per arm.",
        cases="validation",
    )


@house_style
def segmenter_plot(results: Results, segmenter: str) -> Figure:
    """Two panels, one line per arm over one thin line per fold."""
    curves = results.curves[results.curves["segmenter"] == segmenter]
    figure, (panels,) = new_figure(1, 2, height=3.1)
    for axes, column, title in zip(
        panels, ("loss", "validation_dice"), ("Training loss", "Validation Dice"), strict=True
    ):
        for arm in results.arms:
            draw_curves(axes, curves[curves["arm"] == arm], column, results.colours[arm], arm)
        axes.set(xlabel="Optimizer step", title=title)
        light_grid(axes)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 4))
    return figure


def draw_curves(axes: Axes, curves: pd.DataFrame, column: str, colour: str, name: str) -> None:
    """Thin lines of the folds and a thick one of their mean."""
    values = curves.dropna(subset=[column])
    for _, fold in values.groupby("fold"):
        axes.plot(fold["step"], fold[column], color=colour, linewidth=0.6, alpha=0.3)
    mean = values.groupby("step")[column].mean()
    axes.plot(mean.index, mean, color=colour, linewidth=1.8, label=name)
