"""The cost of a study as tables."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from synthtrial.costing.study_cost import Training

COLUMNS = ("trainings", "steps", "images", "GFLOP/image", "PFLOP", "GiB, fp32", "hours")


def print_cost(
    study: str, trainings: list[Training], disk: Mapping[str, float], rates: Mapping[str, float], tflops: float | None
) -> None:
    """Print one row per generator and model, and the disk; hours only where a rate is given."""
    table = Table(title=f"{study}: trainings", title_justify="left")
    table.add_column("name")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    hours = [training_hours(row, rates, tflops) for row in trainings]
    for row, time in zip(trainings, hours, strict=True):
        figures = [f"{row.models:,}", f"{row.steps:,}", f"{row.images:,}"]
        if row.step is None:
            figures = [figures[0], *["at once"] * 2, *["-"] * 4]
        else:
            figures += [f"{row.step.flops / 1e9:,.2f}", f"{row.flops / 1e15:,.3g}", f"{row.memory_gib:.2f}"]
            figures.append("-" if time is None else f"{time:,.2f}")
        table.add_row(row.name, *figures)
    console = Console(width=110, highlight=False)
    console.print(table)
    console.print("disk, GB: " + ", ".join(f"{name} {size:.2f}" for name, size in disk.items()))
    known = [time for row, time in zip(trainings, hours, strict=True) if row.step is not None]
    if None in known or not known:
        console.print("hours: give --tflops, or --images-per-second of every row, as measured on your machine")
    else:
        console.print(f"hours of training, one after another: {sum(time or 0.0 for time in known):,.1f}")


def training_hours(row: Training, rates: Mapping[str, float], tflops: float | None) -> float | None:
    """Hours of all trainings of a row, one after another; None without a rate."""
    if row.name in rates:
        return row.images / rates[row.name] / 3600
    return None if tflops is None else row.flops / (tflops * 1e12) / 3600
