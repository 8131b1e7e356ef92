"""How close the synthetic images are to the real ones: every metric on one scale, lesions, and pictures."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from synthtrial.report import numbers
from synthtrial.report.blocks import Block, Column, Details, Heading, Picture, Section, Table, Text
from synthtrial.report.maps_figure import generator_maps
from synthtrial.report.results import Results
from synthtrial.report.scale_figure import placed, scale_figure
from synthtrial.report.sections.grid import grids
from synthtrial.report.synthesis import Synthesis
from synthtrial.report.tables import amount_frame, fidelity_frame, lesion_frame

MAIN = ("frechet", "frechet_mask", "frechet_pair", "kernel", "precision", "recall", "coverage", "two_sample")
"""Metrics of features that the page's tables show; all of them are in the figure and the CSV file."""
AUDITED = ("copies", "membership_auc")
"""Metrics that stand in the section on copies."""


def section(results: Results) -> Section:
    """One figure of all metrics, tables of the main ones, the lesions, then the pictures of each generator."""
    if not results.syntheses:
        return Section("fidelity", "Fidelity", [Text("This study has no generator.")])
    blocks: list[Block] = [*scale_picture(results), *metric_tables(results), *left_out(results)]
    blocks += [*amount_table(results), *lesion_table(results), *map_pictures(results)]
    if others := results.where_others_are("fidelity"):
        blocks.append(Text(others))
    for synthesis in results.pictured:
        blocks += [Heading(title(results, synthesis)), *stage_pictures(synthesis)]
    return Section("fidelity", "Fidelity", blocks)


def title(results: Results, synthesis: Synthesis) -> str:
    """What a generator's pictures are headed by: its name, and its split where there are several."""
    return f"Generator {results.place(synthesis.draw, synthesis.split)}"


def who(results: Results) -> list[Column]:
    """The first columns of a table with a line per generator, and per split where there are several."""
    columns = [Column("generator", "Generator", number=False), Column("split", "Split", number=False)]
    return columns if len(results.params["splits"]) > 1 else columns[:1]


def scale_picture(results: Results) -> list[Picture]:
    """Where each generator lies between real and noise, by every metric that has such a scale."""
    first, *others = results.params["splits"]
    of_split = f"Split {first}. " if others else ""
    frame = fidelity_frame(results)
    frame = placed(frame[frame["split"] == first])
    if frame.empty:
        return []
    return [
        Picture(
            name="fidelity_scale",
            content=scale_figure(frame),
            caption=f"{of_split}Where synthetic cases lie between real ones (left) and noise (right). Left of the line "
            "at 0 they are closer to one half of the real cases than its other half is. Lines are 95 % intervals. "
            "Metrics without a suffix look at the image, “mask” at the mask alone, “pair” at the image inside it. "
            "A metric by which noise is no worse than real has no such scale; it is in the table only.",
            alt="Fidelity metrics of every generator between real against real and noise against real.",
            cases="training",
        )
    ]


def metric_tables(results: Results) -> list[Table]:
    """One table per feature extractor: its main metrics, one line per generator, between real and noise."""
    frame = fidelity_frame(results)
    frame[["metric", "features"]] = frame["metric"].str.split("/", n=1, expand=True).to_numpy()
    frame = frame[~frame["metric"].isin(AUDITED)]
    tables = []
    for features, rows in frame.groupby("features", sort=False):
        names = list(dict.fromkeys(rows["metric"]))
        shown = [name for name in names if name in MAIN] or names
        tables.append(
            Table(
                name=f"fidelity_{features}",
                frame=wide(results, rows, shown),
                columns=[Column("case", "", number=False), *metric_columns(shown)],
                caption=f"Measured with {features}: the features, and how many cases of each kind a comparison has. A "
                "value means something only beside its neighbours: the same for two halves of the real cases, and for "
                "noise (medians, where generators differ in them). Never compare values with other features or another "
                "n. All metrics, with their intervals, are in tables/fidelity.csv; docs/fidelity.md tells what each "
                "one can't see.",
                cases="training",
            )
        )
    return tables


def metric_columns(names: Sequence[str]) -> list[Column]:
    """A column of numbers per metric."""
    return [Column(name, name.replace("_", " "), numbers.significant) for name in names]


def wide(results: Results, rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """One line for real against real, one per generator, one for noise; one column per metric.

    What real and noise give depends on which real cases a generator has learned; shown is the median over generators.
    """
    lines = [{"case": "real against real"} | {name: _middle(rows, name, "floor") for name in names}]
    for (generator, split), own in rows.groupby(["generator", "split"], sort=False):
        values = own.set_index("metric")["value"]
        lines.append({"case": results.place(generator, split)} | {name: values.get(name) for name in names})
    lines.append({"case": "noise against real"} | {name: _middle(rows, name, "ceiling") for name in names})
    return pd.DataFrame(lines)


def _middle(rows: pd.DataFrame, name: str, column: str) -> float:
    return float(rows.loc[rows["metric"] == name, column].median())


def left_out(results: Results) -> list[Details]:
    """What could not be measured, and why."""
    lines = [
        f"{results.place(synthesis.draw, synthesis.split)}: {metric}: {reason}"
        for synthesis in results.syntheses
        for metric, reason in synthesis.fidelity["left_out"].items()
    ]
    return [Details("Metrics that could not be measured", "\n".join(lines))] if lines else []


def amount_table(results: Results) -> list[Table]:
    """Distances of synthetic sets of several sizes, where the study asks for them; a grid has a section of its own."""
    frame = amount_frame(results)
    gridded = {draw for grid in grids(results).values() for draw in grid["draw"]}
    frame = frame[~frame["generator"].isin(gridded)] if len(frame) else frame
    if frame.empty:
        return []
    columns = [
        *who(results),
        Column("method", "Drawn", number=False),
        Column("share", "Synthetic per real", numbers.compact),
        Column("metric", "Metric", number=False),
        Column("value", "Distance", numbers.significant),
    ]
    caption = (
        "Distance to all real cases of sets of growing size. Progressive: each set holds the smaller ones. "
        "Independent: each is drawn anew. The Frechet distance falls with the size by its bias alone; the kernel "
        "distance has none."
    )
    return [Table(name="amounts", frame=frame, columns=columns, caption=caption, cases="training")]


def lesion_table(results: Results) -> list[Table]:
    """Each property of the lesions, real against synthetic, with its test."""
    first, *others = results.params["splits"]
    frame = lesion_frame(results)
    if frame.empty:
        return []
    frame = frame[frame["split"] == first]
    columns = [
        *who(results),
        Column("label", "Label", number=False),
        Column("property", "Property", number=False),
        Column("median_real", "Real, median", numbers.significant),
        Column("median_synthetic", "Synthetic, median", numbers.significant),
        Column("ks", "KS distance", numbers.dice),
        Column("p_adjusted", "p adjusted", numbers.p_value),
        Column("auc", "Synthetic larger, share", numbers.dice),
        Column("verdict", "Verdict", number=False),
    ]
    caption = (
        "Properties of the lesions. KS is the largest gap between the two distributions (0 alike, 1 apart), p "
        "adjusted is its two-sample test after Holm over the properties of a generator. “Synthetic larger” is the "
        "share of pairs in which the synthetic value is the larger one. “Alike” says that no difference was seen, not "
        "that there is none: with few cases only large ones are."
        + (f" Split {first}; the others' are in fidelity/<generator>/<split>/lesions.csv." if others else "")
    )
    return [Table(name="lesions", frame=frame, columns=columns, caption=caption, cases="training")]


def map_pictures(results: Results) -> list[Picture]:
    """Real cases by site and synthetic ones by generator on a plane, one figure per extractor."""
    first, *others = results.params["splits"]
    of_split = f" of split {first}" if others else ""
    return [
        Picture(
            name=f"fidelity_map_{features}",
            content=figure,
            caption=f"Real cases by site and synthetic cases by generator{of_split}, by their {features} features. "
            "Cases that are alike lie side by side. Look for synthetic cases that keep apart from the real ones, and "
            "for real regions that they don't reach; distances between clouds, and their sizes, mean little.",
            alt=f"Maps of real and synthetic cases by {features} features.",
            cases="training",
        )
        for features, figure in generator_maps(results).items()
    ]


def stage_pictures(synthesis: Synthesis) -> list[Picture]:
    """The figures of the fidelity stage that belong to this section, in the order of the captions."""
    by_name = {path.stem: path for path in synthesis.fidelity_figures}
    return [
        Picture(
            name=f"fidelity_{synthesis.draw}_{synthesis.split}_{name}",
            content=by_name[name],
            caption=caption,
            alt=f"{name.replace('_', ' ')} of generator {synthesis.draw}, real and synthetic.",
            cases="training",
        )
        for name, caption in CAPTIONS.items()
        if name in by_name
    ]


CAPTIONS = {
    "intensities": "Share of voxels at each intensity: median and 90 % band over cases. Where the curves part, the "
    "synthetic images are brighter or darker than the real ones.",
    "spectra": "Power at each spatial frequency, and below it synthetic as a share of real. Below 1 at the right end: "
    "blur. Above 1: noise. A peak at a marked frequency: the checkerboard of upsampling layers.",
    "lesions": "Properties of the lesions: share of cases up to each value. A steeper synthetic curve means that the "
    "generator leaves out what is rare.",
    "walk": "From one latent point to another in equal steps. Changes should be gradual, and every step a possible "
    "case; jumps between a few pictures say that the generator knows only these. Real cases at the ends of a row are "
    "those that it starts from and goes to.",
    "slices": "Real cases at the left, synthetic ones at the right, slice by slice.",
}
"""What the fidelity stage's figures show, by file name."""
