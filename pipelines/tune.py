"""Tune a study: `python pipelines/tune.py SWEEP study=NAME [key=value ...] [--workers N]`.

Points that are done are kept: the same command goes on after a kill, and on several machines with one storage
(`sweep.storage=...`) it adds workers. Results lie in out/<study>/sweeps/<sweep>/.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthtrial.errors import ConfigError, SynthtrialError, run_script
from synthtrial.secrets import masked

PIPELINES = Path(__file__).resolve().parent


def main() -> None:
    """Run what is left of a sweep, and write its table, plots and, when asked, its best settings."""
    words = read_words()
    if words.workers < 1:
        raise ConfigError(f"--workers must be at least 1, not {words.workers}")
    if words.as_worker:
        from synthtrial.tuning.lifeline import die_with_parent

        die_with_parent()

    from synthtrial.tuning.sweep import load_sweep

    sweep = load_sweep(
        words.sweep,
        words.words,
        conf=Path("conf") if Path("conf").is_dir() else PIPELINES.parent / "conf",
        pipelines=PIPELINES,
        root=Path.cwd(),
        trusted=words.as_worker,
    )
    from synthtrial.tuning.runs import SweepRuns
    from synthtrial.tuning.worker import Worker

    if words.as_worker:
        study, ledger = sweep.open()
        Worker(sweep, study, ledger, SweepRuns(sweep, sweep.params["tracking"])).work()
        return
    from synthtrial.tuning.best import check_best
    from synthtrial.tuning.ending import write_end
    from synthtrial.tuning.leading import prepare_cohort, start_workers, stop, watch
    from synthtrial.tuning.other_versions import check_versions

    if words.best:
        check_best(sweep)
    if sweep.settings.stages:
        check_trainer(sweep.params["trainer"])
    older = check_versions(sweep)
    study, ledger = sweep.open()
    if older and not study.trials:
        print(
            f"the space or the settings have changed: a new study begins ({sweep.version}); the old ones are kept: "
            f"{', '.join(name.rpartition('/')[2] for name in older)}"
        )
    left = len(ledger.unsettled())
    print(f"sweep {words.sweep} of {len(sweep.points)} points, {left} to do; state in {masked(sweep.url)}", flush=True)
    runs = SweepRuns(sweep, sweep.params["tracking"])
    if left:
        prepare_cohort(sweep)
        runs.begin_sweep()
        workers = start_workers(sweep, min(words.workers, left), [sys.executable, *sys.argv, "--as-worker"])
        try:
            watch(sweep, ledger, workers)
        finally:
            stop(workers)
    write_end(sweep, study, ledger, runs, best=words.best)
    if failed := ledger.failed():
        first = next(iter(failed))
        raise SynthtrialError(
            f"{len(failed)} of {len(sweep.points)} points failed after {sweep.settings.retries + 1} tries each: "
            f"{', '.join(failed)}. The reason of {first}: {failed[first]}. With a larger sweep.retries=N the same "
            "command tries them again"
        )


def check_trainer(trainer: Mapping[str, Any]) -> None:
    """Refuse a GPU that is not here before any point fails for want of it; importing torch takes a while."""
    if trainer["accelerator"] == "gpu" or trainer["devices"] > 1:
        from synthtrial.hardware import check_devices

        check_devices(trainer)


def read_words() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sweep", help="a file of conf/sweep")
    parser.add_argument(
        "words",
        nargs="*",
        default=[],
        metavar="key=value",
        help="study=NAME, any key of it, and sweep.KEY=value for the sweep",
    )
    parser.add_argument("--workers", type=int, default=1, help="processes on this machine (default: 1)")
    parser.add_argument(
        "--best", action="store_true", help="write the best point to conf/generator/<generator>_best.yaml"
    )
    parser.add_argument("--as-worker", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_intermixed_args()


if __name__ == "__main__":
    run_script(main)
