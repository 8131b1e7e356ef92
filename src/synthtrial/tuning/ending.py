"""The end of a sweep: its table, its plots, its best point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthtrial.atomic import atomic_file
from synthtrial.tuning.best import best_of, write_best
from synthtrial.tuning.figures import draw_figures
from synthtrial.tuning.table import best_trials, print_table, table_of

if TYPE_CHECKING:
    from optuna import Study

    from synthtrial.tuning.ledger import Ledger
    from synthtrial.tuning.runs import SweepRuns
    from synthtrial.tuning.sweep import Sweep


def write_end(sweep: Sweep, study: Study, ledger: Ledger, runs: SweepRuns, *, best: bool) -> None:
    """Write `table.csv` and the figures into the sweep's folder, print the table, and close what was killed.

    Whoever leads the sweep on some machine writes its end when all points are settled; all of them write the same.

    Args:
        sweep: the sweep.
        study: of Optuna.
        ledger: of its points.
        runs: in MLflow.
        best: whether to write the best settings to conf/generator.
    """
    trials = ledger.trials()
    runs.close_left(trials)
    chosen = best_trials(trials, sweep.settings.aims)
    table = table_of(sweep, trials, chosen)
    with atomic_file(sweep.folder / "table.csv") as partial:
        table.to_csv(partial, index=False)
    print_table(sweep, table)
    figures = draw_figures(sweep, study, chosen)
    files = [sweep.folder / name for name in ("table.csv", *figures)]
    runs.end_sweep(best_of(sweep, chosen) if chosen else None, files, failed=bool(ledger.failed()))
    print(f"table and figures: {sweep.folder}")
    if best:
        print(f"the best point: {write_best(sweep, chosen)}")
