"""The table of a sweep: one row per point, the best marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from synthtrial.tuning.ledger import failures, grouped, is_result
from synthtrial.tuning.settings import Aim

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from synthtrial.tuning.sweep import Sweep


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
    """Print the table, the best rows marked with a star."""
    from rich.console import Console
    from rich.table import Table

    short = {key: ".".join(key.split(".")[-2:]) for key in sweep.axes}
    columns = [column for column in table.columns if column != "best"]
    printed = Table(title=f"sweep {sweep.settings.name}, version {sweep.version}")
    for column in columns:
        printed.add_column(short.get(column, column), overflow="fold")
    for row in table.to_dict("records"):
        cells = [
            "" if pd.isna(row[c]) else f"{row[c]:.6g}" if isinstance(row[c], float) else str(row[c]) for c in columns
        ]
        cells[0] += " *" if row["best"] else ""
        printed.add_row(*cells, style="bold green" if row["best"] else None)
    Console().print(printed)
