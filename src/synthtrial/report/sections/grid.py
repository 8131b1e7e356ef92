"""Distances and scores of drawn cases over training and number, from the snapshots of one training."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from synthtrial.fidelity.grid import read_grid
from synthtrial.report import numbers
from synthtrial.report.blocks import Block, Column, Heading, Picture, Section, Table, Text
from synthtrial.report.figure_style import FAINT, MARKERS, house_style, light_grid, new_figure
from synthtrial.report.results import Results
from synthtrial.report.synthesis import Synthesis

TITLES = {"inception_score": "Inception Score ↑", "frechet": "Frechet distance ↓", "kernel": "Kernel distance ↓"}
"""Metrics of the grid, with an arrow to where they are better."""

LINES = {"independent": "-", "progressive": "--"}
"""How the two ways to make a set are drawn."""

HOW_TO_READ = (
    "One training, drawn from at several times. Independent: each set of cases is drawn anew. Progressive: each set "
    "holds the smaller ones. The Frechet distance of few cases is too large, and their Inception Score too low, by "
    "their bias alone: compare lines at one amount, and amounts by the kernel distance, which has no such bias."
)


def section(results: Results) -> Section:
    """A figure and tables per generator that was drawn from after several lengths of training; nothing for others."""
    blocks: list[Block] = []
    for generator, grid in grids(results).items():
        if not blocks:
            blocks.append(Text(HOW_TO_READ))
        blocks.append(Heading(f"Generator {generator}"))
        for features, rows in grid.groupby("features", sort=False):
            blocks += grid_blocks(generator, str(features), rows)
    return Section("grid", "Training and amount", blocks)


def grids(results: Results) -> dict[str, pd.DataFrame]:
    """By generator the grid of its draws in the first split, where they are of at least two lengths of training."""
    by_generator: dict[str, list[Synthesis]] = {}
    for one in results.syntheses:
        if one.split == results.params["splits"][0] and len(one.amounts):
            by_generator.setdefault(one.generator, []).append(one)
    found = {}
    for generator, drawn in by_generator.items():
        if len({one.fidelity.get("images_seen") for one in drawn}) > 1:
            grid = read_grid(results.folder / "fidelity" / one.draw / one.split for one in drawn)
            found[generator] = grid.join(grid["metric"].str.extract(r"^(?P<measure>[^/]+)/(?P<features>.+)_n\d+$"))
    return found


def grid_blocks(generator: str, features: str, grid: pd.DataFrame) -> list[Block]:
    """What one extractor says of one generator: a figure, and a table per metric."""
    of_whom = f"{generator}_{features}"
    return [
        Picture(
            name=f"grid_{of_whom}",
            content=grid_plot(grid),
            caption=f"Synthetic against real cases by {features}, over the number of synthetic cases per real one: a "
            "line per length of training, darker for longer; dashed: progressive.",
            alt="Scores over the amount of synthetic cases, a line per length of training.",
            cases="training",
        ),
        *(
            grid_table(f"{of_whom}_{measure}", str(measure), rows)
            for measure, rows in grid.groupby("measure", sort=False)
        ),
    ]


def grid_table(name: str, measure: str, rows: pd.DataFrame) -> Table:
    """A line per method and length of training, a column per amount."""
    wide = rows.pivot_table(index=["method", "images", "epochs"], columns="share", values="value").reset_index()
    sizes = rows.groupby("share")["n_synthetic"].first()
    amounts = [
        Column(f"{share:g}", f"{numbers.percent(share)} ({size})", numbers.significant) for share, size in sizes.items()
    ]
    wide.columns = [f"{column:g}" if isinstance(column, float) else column for column in wide.columns]
    return Table(
        name=f"grid_{name}",
        frame=wide,
        columns=[
            Column("method", "Drawn", number=False),
            Column("epochs", "Epochs", numbers.compact),
            Column("images", "Images seen", numbers.count),
            *amounts,
        ],
        caption=f"{TITLES.get(measure, measure)}. Columns: synthetic cases per real one, and their number.",
        cases="training",
    )


@house_style
def grid_plot(grid: pd.DataFrame) -> Figure:
    """A panel per metric over the amount."""
    measures = [name for name in TITLES if name in set(grid["measure"])]
    figure, (panels,) = new_figure(1, len(measures), height=3.2, width=3.1 * len(measures))
    lengths, methods = sorted(grid["epochs"].unique()), sorted(grid["method"].unique())
    for axes, measure in zip(panels, measures, strict=True):
        for (method, epochs), rows in grid[grid["measure"] == measure].groupby(["method", "epochs"]):
            place = lengths.index(epochs)
            shade = (place + 1) / len(lengths)
            axes.plot(
                rows["share"],
                rows["value"],
                color=(0.75 - 0.75 * shade, 0.82 - 0.37 * shade, 0.92 - 0.22 * shade),
                linestyle=LINES.get(str(method), "-"),
                marker=MARKERS[place % len(MARKERS)],
                markersize=4,
                label=f"{numbers.compact(epochs)} epochs" if method == methods[0] else None,
            )
        axes.set(title=TITLES[measure], xlabel="Synthetic cases per real one")
        light_grid(axes)
    panels[0].plot([], [], color=FAINT, linestyle=LINES["progressive"], label="progressive")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure
