"""Tune a study: `python pipelines/tune.py SWEEP study=NAME [key=value ...] [--workers N]`.

Points that are done are kept: the same command goes on after a kill, and on several machines with one storage
(`sweep.storage=...`) it adds workers. `launcher=local|slurm` submits them as jobs. Results lie in
out/<study>/sweeps/<sweep>/.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from synthtrial.errors import ConfigError, run_script

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
        trusted=words.as_worker or words.as_job,
    )
    if words.as_worker or words.as_job:
        from synthtrial.tuning.worker import work

        work(sweep)
        return
    from synthtrial.tuning.leading import lead

    lead(sweep, words.workers, [sys.executable, __file__, words.sweep, *words.words], best=words.best)


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
    parser.add_argument("--workers", type=int, default=1, help="processes or jobs (default: 1)")
    parser.add_argument(
        "--best", action="store_true", help="write the best point to conf/generator/<generator>_best.yaml"
    )
    parser.add_argument("--as-worker", action="store_true", help=argparse.SUPPRESS)  # ends with its leader
    parser.add_argument("--as-job", action="store_true", help=argparse.SUPPRESS)  # outlives it
    return parser.parse_intermixed_args()


if __name__ == "__main__":
    run_script(main)
