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
        first = synthesis.split == results.params["splits"][0]
        blocks += generator_blocks(results, synthesis) if first else collapse_blocks(synthesis)
    if results.trainings and (others := results.where_others_are("models")):
        blocks.append(Text(others))
    if len(loss_frame(results)):
        blocks.append(loss_table(results))
    blocks.append(Heading("Segmenters"))
    for segmenter in results.segmenters:
        blocks += [*learned_blocks(results, segmenter), segmenter_picture(results, segmenter)]
    return Section("training", "Training", blocks)


def generator_blocks(results: Results, synthesis: Synthesis) -> list[Block]:
    """What became of one generator."""
    model, name = synthesis.model, training_name(synthesis)
    if model["config"].get("train", {}) is None:
        return control_blocks(synthesis, name)
    weights = ", ".join(f"{part} {numbers.count(size)}" for part, size in model["parameters"].items())
    blocks: list[Block] = [
        Heading(f"Generator {name}"),
        Text(
            f"Trained on {len(model['seen_cases'])} cases of {len(model['seen_patients'])} patients, for "
            f"{numbers.count(model['images_seen'])} images, seed {model['seed']}. Trainable parameters: {weights}."
        ),
    ]
    blocks += collapse_blocks(synthesis) or [Text("No collapse was seen during training.")]
    if origin := model.get("start_from"):
        blocks.append(Text(f"It started from the weights in {origin['folder']}: {len(origin['taken'])} tensors taken."))
    blocks.append(loss_picture(synthesis))
    blocks += sample_pictures(synthesis, f"Samples of {name} at the end of training")
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


def training_name(synthesis: Synthesis) -> str:
    """A training in words: its generator and split."""
    return f"{synthesis.generator}, split {synthesis.split}"


def collapse_blocks(synthesis: Synthesis) -> list[Block]:
    """A warning where a training collapsed; nothing where it did not."""
    if not synthesis.model["collapsed"]:
        return []
    reason = synthesis.model["reason"].rstrip(".")
    return [Banner("COLLAPSED", f"Training of {training_name(synthesis)} was judged to have collapsed: {reason}.")]


def control_blocks(synthesis: Synthesis, name: str) -> list[Block]:
    """What a control is, and what it draws: it has no losses."""
    cases = len(synthesis.model["seen_cases"])
    text = f"A control: nothing is trained. It looked once at the {cases} real cases of its split."
    return [Heading(f"Control {name}"), Text(text), *sample_pictures(synthesis, f"Samples of {name}")]


def sample_pictures(synthesis: Synthesis, what: str) -> list[Picture]:
    """The sample page of one generator, where it has one."""
    if synthesis.samples is None:
        return []
    return [
        Picture(
            name=f"training_samples_{synthesis.generator}_{synthesis.split}",
            content=synthesis.samples,
            caption=f"{what}, before decoding and post-processing.",
            alt="Grid of generated samples.",
        )
    ]


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


def learned_blocks(results: Results, segmenter: str) -> list[Block]:
    """Whether the models of one segmenter have learned; those that have not by name."""
    scores = results.fold_scores.query("segmenter == @segmenter")
    if "convergence" not in scores:
        return [Text("Whether each model has learned was not recorded; run the segmentation again to know.")]
    models = scores.to_dict("records")
    failed = [f"{model_name(model)}: {model['convergence']}." for model in models if model["convergence"]]
    slow = [model_name(model) for model in models if model["remark"] and not model["convergence"]]
    blocks: list[Block] = [Text(f"{len(models) - len(failed)} of {len(models)} models of {segmenter} have learned.")]
    if failed:
        advice = "They count as they are, in the verdict or the learning curve. Give them more steps."
        blocks.append(Banner("NOT LEARNED", " ".join([f"{len(failed)} of {len(models)} models.", *failed, advice])))
    if slow:
        blocks.append(Text(f"The loss was still falling at the end, so more steps would help: {'; '.join(slow)}."))
    return blocks


def model_name(model: dict) -> str:
    """A model's place in words, from its row of `folds.csv`."""
    repeat = f", repeat {model['repeat']}" if model["repeat"] else ""
    return f"{model['arm']}, fold {model['fold']}{repeat}"


def segmenter_picture(results: Results, segmenter: str) -> Picture:
    """Loss and validation Dice of one segmenter over its steps."""
    return Picture(
        name=f"segmentation_curves_{segmenter}",
        content=segmenter_plot(results, segmenter),
        caption=f"Training of segmenter {segmenter}: loss (left) and validation Dice (right) over optimizer steps. "
        "Thick: mean of the models; thin: single models. The loss of each arm is measured on its own training images, "
        "so only the validation Dice, on real images for every arm, can be compared. Curves that still rise at their "
        "end ask for more steps.",
        alt="Training loss and validation Dice per arm.",
        cases="validation",
    )


@house_style
def segmenter_plot(results: Results, segmenter: str) -> Figure:
    """Two panels, one line per arm over one thin line per model."""
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
    """Thin lines of the models and a thick one of their mean."""
    values = curves.dropna(subset=[column])
    for _, model in values.groupby(["fold", "repeat"]):
        axes.plot(model["step"], model[column], color=colour, linewidth=0.6, alpha=0.3)
    mean = values.groupby("step")[column].mean()
    axes.plot(mean.index, mean, color=colour, linewidth=1.8, label=name)
