"""The table of a sweep: one row per point, the best marked."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from synthtrial.tuning.ledger import failures, grouped, is_result
from synthtrial.tuning.settings import Aim

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from synthtrial.tuning.sweep import Sweep

HEAD = 12
"""How wide the head of a printed column may be, characters."""
WIDEST = 1000
"""How wide the printed table may be, characters: lines that are wider than the terminal are left to it, uncut."""


def best_trials(trials: Sequence[FrozenTrial], aims: Sequence[Aim]) -> list[FrozenTrial]:
    """The best trial; with several aims, all that none other beats in every one (the Pareto front)."""
    complete = [trial for trial in trials if trial.state.name == "COMPLETE"]
    signs = [-1 if aim.direction == "maximize" else 1 for aim in aims]
    scores = {trial.number: [s * v for s, v in zip(signs, trial.values, strict=True)] for trial in complete}

    def beaten(trial: FrozenTrial) -> bool:
        own = scores[trial.number]
        return any(other != own and all(a <= b for a, b in zip(other, own, strict=True)) for other in scores.values())

    front = [trial for trial in complete if not beaten(trial)]
    return front if len(aims) > 1 else front[:1]


def table_of(sweep: Sweep, trials: Sequence[FrozenTrial], chosen: Sequence[FrozenTrial]) -> pd.DataFrame:
    """One row per point: `point, <key>..., <metric>..., state, best, tries, seconds`."""
    best = {trial.number for trial in chosen}
    rows = []
    by_point = grouped(trials)
    for point in sweep.points:
        of_point = by_point.get(point, [])
        result = next((trial for trial in of_point if is_result(trial)), None)
        shown = result or (of_point[-1] if of_point else None)
        row: dict[str, object] = {"point": point}
        row |= {key: (shown.params.get(key) if shown else None) for key in sweep.axes}
        values = result.values if result and result.state.name == "COMPLETE" else None
        for index, aim in enumerate(sweep.settings.aims):
            row[aim.metric] = values[index] if values else None
        row["state"] = result.state.name.lower() if result else ("failed" if of_point else "open")
        row["best"] = result is not None and result.number in best
        row["tries"] = len(failures(of_point)) + (result is not None)
        row["seconds"] = result.user_attrs.get("seconds") if result else None
        rows.append(row)
    return pd.DataFrame(rows)


def print_table(sweep: Sweep, table: pd.DataFrame) -> None:
    """Print the table, the best rows marked with a star; no cell is ever folded or cut off.

    States and tries are left out where all points have finished at the first.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    dull = [name for name, usual in (("state", "complete"), ("tries", 1)) if (table[name] == usual).all()]
    columns = [column for column in table.columns if column not in ("best", *dull)]
    cells = table[columns].map(as_cell)
    cells["point"] += [" *" if best else "  " for best in table["best"]]
    title = f"sweep {sweep.settings.name}, version {sweep.version}"
    printed = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, collapse_padding=True)
    short = short_names(list(sweep.axes))
    for column in columns:
        printed.add_column(in_lines(short.get(column, column)), justify="right", no_wrap=True)
    for row, best in zip(cells.itertuples(index=False), table["best"], strict=True):
        printed.add_row(*row, style="bold green" if best else None)
    Console(width=WIDEST).print(printed)


def as_cell(value: Any) -> str:
    """A value as the printed table shows it; table.csv has all digits."""
    if pd.isna(value):
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"
    return str(value)


def in_lines(name: str) -> str:
    """A name over several lines of at most `HEAD` characters, where its parts are not longer."""
    lines = [""]
    for part in re.findall(r"[^/._]*[/._]?", name):
        if len(lines[-1] + part) > HEAD and lines[-1]:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Keys without the first parts that they share, the last part always kept."""
    parts = [key.split(".") for key in keys]
    shared = len(os.path.commonprefix(parts))
    return {key: ".".join(own[min(shared, len(own) - 1) :]) for key, own in zip(keys, parts, strict=True)}
