"""Lead a sweep on one machine: start its workers, wait for the sweep's end, write it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from synthtrial.errors import SynthtrialError
from synthtrial.processes import check_machine
from synthtrial.secrets import masked
from synthtrial.tuning.best import check_best
from synthtrial.tuning.ending import write_end
from synthtrial.tuning.other_versions import check_versions
from synthtrial.tuning.runs import SweepRuns
from synthtrial.tuning.shared_cohort import prepare_cohort
from synthtrial.tuning.storage import while_it_answers
from synthtrial.tuning.submitting import launcher_of, run_jobs

if TYPE_CHECKING:
    from optuna import Study

    from synthtrial.launching.launcher import Launcher
    from synthtrial.tuning.ledger import Ledger
    from synthtrial.tuning.sweep import Sweep


def lead(sweep: Sweep, workers: int, command: Sequence[str], *, best: bool) -> None:
    """Run what is left of a sweep, and write its table and plots.

    Args:
        sweep: the sweep.
        workers: processes or jobs to start.
        command: this very command, without what is said of workers.
        best: whether to write the best settings to conf/generator.

    Raises:
        SynthtrialError: when points have failed for good; and for whatever keeps the sweep from its end.
    """
    if best:
        check_best(sweep)
    launcher = launcher_of(sweep)
    if sweep.settings.stages and launcher.executor != "slurm":
        check_machine(sweep.params["trainer"])  # before any point fails for want of a GPU
    older = check_versions(sweep)
    study, ledger = sweep.open()
    if older and not study.trials:
        kept = ", ".join(name.rpartition("/")[2] for name in older)
        print(f"the space or the settings have changed: a new study begins ({sweep.version});", end=" ")
        print(f"the old ones are kept: {kept}")
    with while_it_answers(sweep.url):
        run_and_write(sweep, study, ledger, launcher, workers, command, best=best)
        failed = ledger.failed()
    if failed:
        first = next(iter(failed))
        raise SynthtrialError(
            f"{len(failed)} of {len(sweep.points)} points failed after {sweep.settings.retries + 1} tries each: "
            f"{', '.join(failed)}. The reason of {first}: {failed[first]}. With a larger sweep.retries=N the same "
            "command tries them again"
        )


def run_and_write(
    sweep: Sweep,
    study: Study,
    ledger: Ledger,
    launcher: Launcher,
    workers: int,
    command: Sequence[str],
    *,
    best: bool,
) -> None:
    """Run the points that are left by processes of this machine or by jobs, and write the end of the sweep."""
    name, left = sweep.settings.name, len(ledger.unsettled())
    print(f"sweep {name} of {len(sweep.points)} points, {left} to do; state in {masked(sweep.url)}", flush=True)
    runs = SweepRuns(sweep, sweep.params["tracking"])
    if left:
        prepare_cohort(sweep)
        runs.begin_sweep()
        if launcher.executor == "none":
            run_workers(sweep, ledger, min(workers, left), [*command, "--as-worker"])
        else:
            of_study = [word for word in command if not word.startswith(("launcher=", "launcher."))]
            run_jobs(sweep, ledger, launcher, min(workers, left), [*of_study, "--as-job"])
    write_end(sweep, study, ledger, runs, best=best)


def run_workers(sweep: Sweep, ledger: Ledger, count: int, command: list[str]) -> None:
    """Run workers as processes of this machine, which end with this one."""
    workers = start_workers(count, command)
    try:
        watch(sweep, ledger, workers)
    finally:
        stop(workers)


def start_workers(count: int, command: list[str]) -> list[subprocess.Popen]:
    """Start workers that end with this process, each with a share of the cores.

    Args:
        count: number of workers.
        command: that starts one.
    """
    threads = str(max(1, (os.cpu_count() or 1) // count))
    environment = {"OMP_NUM_THREADS": threads} | os.environ
    return [
        subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, start_new_session=True) for _ in range(count)
    ]


def watch(sweep: Sweep, ledger: Ledger, workers: list[subprocess.Popen]) -> None:
    """Wait until this machine's workers have ended, and say how far the sweep is.

    Raises:
        SynthtrialError: when they have, and points are left.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"sweep {sweep.settings.name}", total=len(sweep.points))
        while any(worker.poll() is None for worker in workers):
            time.sleep(0.5)
            bar.update(task, completed=len(sweep.points) - len(ledger.unsettled()))
    if left := ledger.unsettled():
        codes = ", ".join(str(worker.returncode) for worker in workers)
        raise SynthtrialError(
            f"all workers here ended (exit codes {codes}); {len(left)} of {len(sweep.points)} points are left: "
            "start the same command again, it goes on"
        )


def stop(workers: list[subprocess.Popen]) -> None:
    """End workers and the stages that they run."""
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.close()
    for worker in workers:
        worker.wait()
