"""Loss curves of the generators and of the segmenters or classifiers, and whether a generator collapsed."""

from __future__ import annotations

import re

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from synthtrial.report import numbers
from synthtrial.report.blocks import Banner, Block, Column, Heading, Picture, Section, Table, Text
from synthtrial.report.figure_style import REFERENCE_COLOUR, house_style, light_grid, new_figure
from synthtrial.report.results import Results
from synthtrial.report.synthesis import Synthesis
from synthtrial.report.tables import loss_frame, loss_terms

ACROSS = 3
"""Loss terms side by side."""


def section(results: Results) -> Section:
    """Generators first, then segmenters or classifiers."""
    blocks: list[Block] = []
    for synthesis in results.trainings:
        first = synthesis.split == results.params["splits"][0]
        blocks += generator_blocks(results, synthesis) if first else collapse_blocks(synthesis)
    if results.trainings and (others := results.where_others_are("models")):
        blocks.append(Text(others))
    if len(loss_frame(results)):
        blocks.append(loss_table(results))
    blocks.append(Heading(f"{results.model_word.capitalize()}s"))
    for model in results.models:
        blocks += [*learned_blocks(results, model), *model_pictures(results, model)]
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


def learned_blocks(results: Results, model: str) -> list[Block]:
    """Whether the models of one segmenter or classifier have learned; those that have not by name."""
    scores = results.fold_scores.query("model == @model")
    if "convergence" not in scores:
        return [Text("Whether each model has learned was not recorded; run the segmentation again to know.")]
    models = scores.to_dict("records")
    failed = [f"{model_name(row)}: {row['convergence']}." for row in models if row["convergence"]]
    remarked = [row for row in models if row["remark"] and not row["convergence"]]
    blocks: list[Block] = [Text(f"{len(models) - len(failed)} of {len(models)} models of {model} have learned.")]
    if failed:
        advice = "They count as they are, in the verdict or the learning curve. Give them more steps."
        blocks.append(Banner("NOT LEARNED", " ".join([f"{len(failed)} of {len(models)} models.", *failed, advice])))
    return [*blocks, *remark_texts(remarked)]


def remark_texts(models: list[dict]) -> list[Text]:
    """A sentence per kind of remark, with the models that it is about; figures in brackets differ and are left out."""
    named: dict[str, list[str]] = {}
    for row in models:
        named.setdefault(re.sub(r" \([^)]*\)", "", row["remark"]), []).append(model_name(row))
    return [Text(f"{remark[0].upper()}{remark[1:]}. Said of {'; '.join(names)}.") for remark, names in named.items()]


def model_name(model: dict) -> str:
    """A model's place in words, from its row of `folds.csv`."""
    repeat = f", repeat {model['repeat']}" if model["repeat"] else ""
    return f"{model['arm']}, fold {model['fold']}{repeat}"


def model_pictures(results: Results, model: str) -> list[Picture]:
    """Loss and what was watched on validation cases over the steps of one model; classic models have no steps."""
    curves = results.curves[results.curves["model"] == model] if len(results.curves) else results.curves
    if not len(curves) or curves["step"].nunique() == 1:
        return []
    column, watched, why = WATCHED[results.task]
    return [
        Picture(
            name=f"training_curves_{model}",
            content=model_plot(results, curves, column, watched),
            caption=f"Training of {results.model_word} {model}: loss (left) and {watched} (right) over optimizer "
            "steps. Thick: mean of the models; thin: single models. The loss of each arm is measured on its own "
            f"training images, so only the {watched}, on real images for every arm, can be compared. {why}",
            alt=f"Training loss and {watched} per arm.",
            cases="validation",
        )
    ]


WATCHED = {
    "segment": ("validation_dice", "validation Dice", "Curves that still rise at their end ask for more steps."),
    "classify": (
        "validation_loss",
        "validation loss",
        "A validation loss that rises while the training loss falls says that the model learns its cases by heart.",
    ),
}
"""By task, what is watched on validation cases while a model trains: the column, its name, and how to read it."""


@house_style
def model_plot(results: Results, curves: pd.DataFrame, column: str, watched: str) -> Figure:
    """Two panels, one line per arm over one thin line per model."""
    figure, (panels,) = new_figure(1, 2, height=3.1)
    titles = {"loss": "Training loss", column: watched[0].upper() + watched[1:]}
    for axes, (name, title) in zip(panels, titles.items(), strict=True):
        for arm in [arm for arm in results.arms if arm in set(curves["arm"])]:
            draw_curves(axes, curves[curves["arm"] == arm], name, results.colours[arm], arm)
        axes.set(xlabel="Optimizer step", title=title)
        light_grid(axes)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 4))
    return figure


def draw_curves(axes: Axes, curves: pd.DataFrame, column: str, colour: str, name: str) -> None:
    """Thin lines of the models and a thick one of their mean."""
    values = curves.dropna(subset=[column])
    for _, rows in values.groupby(["fold", "repeat"]):
        axes.plot(rows["step"], rows[column], color=colour, linewidth=0.6, alpha=0.3)
    mean = values.groupby("step")[column].mean()
    axes.plot(mean.index, mean, color=colour, linewidth=1.8, label=name)
