"""The result of comparing two folders: a table on the screen, and a JSON file."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from synthtrial.atomic import write_json
from synthtrial.fidelity.comparison import Comparison, in_plain_words, place, told_apart
from synthtrial.fidelity.measured import Measured, as_json
from synthtrial.fidelity.pictures.style import COLOURS

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 100
BAR = 21
BAR_TITLE = "real" + "noise".rjust(BAR - 4)
COLUMNS = {
    "metric": 16,
    "synthetic": 9,
    "95 % interval": 20,
    "real": 8,
    "noise": 7,
    "good": 7,
    "apart": 5,
    BAR_TITLE: BAR,
}
"""Widths of the columns; with a space between them they fill the line."""

VIEWS = {"_mask": "masks", "_pair": "images inside their masks"}
GOOD = {"lower": "low", "higher": "high", "like real": "as real"}


def print_comparison(comparison: Comparison, console: Console | None = None) -> None:
    """Print the table, 100 columns wide, with what was compared above it and what it says in plain words below."""
    (console or Console(width=WIDTH, highlight=False)).print(as_table(comparison))


def write_comparison(comparison: Comparison, path: Path) -> None:
    """Write `metrics` (name to value), `interval`, `floor`, `ceiling`, `better`, and what they were measured on."""
    from synthtrial.tracking import versions

    content: dict[str, Any] = as_json(comparison.measurements)
    content |= {
        "left_out": comparison.left_out,
        "real": str(comparison.real),
        "synthetic": str(comparison.synthetic),
        "n_real": comparison.n_real,
        "n_synthetic": comparison.n_synthetic,
        "images": comparison.images,
        "labels": list(comparison.labels),
        "window": list(comparison.window),
        "unit": comparison.unit,
        "features": list(comparison.features),
        "repeats": comparison.repeats,
        "seed": comparison.seed,
        "lesions": None if comparison.lesions is None else _rows(comparison.lesions),
        "copies": comparison.copies,
        "audit": None if comparison.audit is None else comparison.audit.as_json(),
        "warnings": list(comparison.warnings),
        "versions": versions(),
    }
    write_json(path, content)


def as_table(comparison: Comparison) -> RenderableType:
    """What `print_comparison` prints."""
    parts: list[RenderableType] = [_heading(comparison)]
    parts += [Text(f"warning: {sentence}", style="yellow") for sentence in comparison.warnings]
    parts += [Padding(table, (1, 0, 0, 0)) for table in _metrics(comparison)]
    parts += [Text(f"left out: {name}: {why}", style="dim") for name, why in grouped(comparison.left_out)]
    if comparison.lesions is not None:
        parts += [Padding(_lesions(comparison.lesions), (1, 0))]
    parts += [Text(sentence) for sentence in in_plain_words(comparison) if sentence]
    return Group(*parts)


def number(value: float | None) -> str:
    """Three significant digits; nothing for None and NaN."""
    if value is None or value != value:
        return ""
    if 999.5 <= abs(value) < 1e5:
        text = f"{value:,.0f}"
    else:
        text = f"{value:#.3g}" if 1e-3 <= abs(value) < 1000 else f"{value:.2g}"
    return text.removesuffix(".").replace("-", "\N{MINUS SIGN}")


def grouped(left_out: dict[str, str]) -> list[tuple[str, str]]:
    """Names that were left out for one reason, together."""
    by_reason: dict[str, list[str]] = {}
    for name, why in left_out.items():
        by_reason.setdefault(why, []).append(name)
    return [(", ".join(names), why) for why, names in by_reason.items()]


def _heading(comparison: Comparison) -> Table:
    facts = Table.grid(padding=(0, 2))
    low, high = comparison.window
    masks = f"; masks with {', '.join(comparison.labels)}" if comparison.labels else "; no masks"
    if comparison.labels and "pictures" in comparison.images:
        masks += "; a pixel counts as 1 mm"
    facts.add_row(
        Text("real", style=f"bold {COLOURS['real']}"), Text(f"{comparison.n_real} images in {comparison.real}")
    )
    facts.add_row(
        Text("synthetic", style=f"bold {COLOURS['synthetic']}"),
        Text(f"{comparison.n_synthetic} images in {comparison.synthetic}"),
    )
    facts.add_row("images", Text(comparison.images + masks))
    facts.add_row(
        "window", f"{number(low)} to {number(high)} ({comparison.unit}) become \N{MINUS SIGN}1 to 1, in both sets"
    )
    return facts


def _metrics(comparison: Comparison) -> list[Table]:
    """The heads of the columns, and one table per view and features below them."""
    tables = [_columns(show_header=True)]
    for (features, view), group in groupby(comparison.measurements.items(), key=lambda item: _section(item[0])):
        table = _columns(show_header=False)
        table.title, table.title_justify, table.title_style = f"{view}, {features}", "left", "dim"
        for name, measured in group:
            table.add_row(name.partition("/")[0], *_cells(measured))
        tables.append(table)
    return tables


def _columns(show_header: bool) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold", show_header=show_header)
    for title, width in COLUMNS.items():
        words = title in ("metric", "good", "apart", BAR_TITLE)
        table.add_column(title, justify="left" if words else "right", no_wrap=True, width=width)
    return table


def _section(name: str) -> tuple[str, str]:
    """Features with their n, and the view, of a metric."""
    metric, _, features = name.partition("/")
    view = next((words for suffix, words in VIEWS.items() if metric.endswith(suffix)), "images")
    return features, view


def _lesions(tests: pd.DataFrame) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("lesions", no_wrap=True)
    for title in ("synthetic", "real", "p (corrected)"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for label, rows in tests.groupby("label", sort=False):
        table.add_row(Text(f"\n{label}, medians", style="dim"))
        for row in rows.to_dict("records"):
            style = f"bold {COLOURS['synthetic']}" if row["verdict"] == "differs" else ""
            table.add_row(
                str(row["property"]),
                Text(number(row["median_synthetic"]), style=style),
                Text(number(row["median_real"]), style=COLOURS["real"]),
                "< 0.001" if row["p_adjusted"] < 0.001 else number(row["p_adjusted"]),
                Text(str(row["verdict"]), style=style),
            )
    return table


def _rows(tests: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as JSON has it: null for what could not be computed."""
    return [{key: None if value != value else value for key, value in row.items()} for row in tests.to_dict("records")]


def _cells(measured: Measured) -> tuple[RenderableType, ...]:
    apart = told_apart(measured)
    style = f"bold {COLOURS['synthetic']}" if apart else "bold"
    return (
        Text(number(measured.value), style=style),
        f"{number(measured.low)} to {number(measured.high)}",
        Text(number(measured.floor), style=COLOURS["real"]),
        Text(number(measured.ceiling), style="dim"),
        GOOD[measured.better],
        Text("" if apart is None else "yes" if apart else "no", style=style if apart else ""),
        bar(measured),
    )


def bar(measured: Measured) -> Text:
    """The value (a disc) and its interval (a line) on the way from real (left) to noise (right)."""
    value, *interval = (place(measured, end) for end in (measured.value, measured.low, measured.high))
    if value is None or None in interval:
        return Text("")
    first, last = sorted(round(end * (BAR - 1)) for end in interval if end is not None)
    line = "·" * first + "━" * (last - first + 1) + "·" * (BAR - 1 - last)
    at = round(value * (BAR - 1))
    cells = Text(line[:at] + "●" + line[at + 1 :], style="dim")
    cells.stylize(f"not dim {COLOURS['synthetic']}", first, last + 1)
    cells.stylize(f"not dim bold {COLOURS['synthetic']}", at, at + 1)
    return cells
