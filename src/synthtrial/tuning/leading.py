"""Lead a sweep on one machine: start its workers, wait for the sweep's end, write it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from synthtrial.errors import SynthtrialError
from synthtrial.tuning.execution import last_line
from synthtrial.tuning.point_folder import check_prepared, prepare_point

if TYPE_CHECKING:
    from synthtrial.tuning.ledger import Ledger
    from synthtrial.tuning.sweep import Sweep


def prepare_cohort(sweep: Sweep) -> None:
    """Prepare the study's cohort when it is not yet, in a process of its own; points only link it.

    Raises:
        SynthtrialError: when preparing fails.
    """
    if "train_gan" not in sweep.settings.stages or check_prepared(sweep.root, sweep.params):
        return
    from synthtrial.tuning.point_lock import PointLock

    base = sweep.folder / "base"
    lock = PointLock(base)
    while not lock.acquire():
        time.sleep(1)
    try:
        if check_prepared(sweep.root, sweep.params):
            return
        print("preparing the cohort, once for all points", flush=True)
        prepare_point(base, sweep.root, sweep.conf, sweep.words, {})
        study = sweep.params["study"]["name"]
        link = base / "out" / study / "prepared"
        link.unlink()  # the stage replaces its folder, and not what a link points to
        log = base / "log.txt"
        with log.open("w", encoding="utf-8") as output:
            words = [sys.executable, str(sweep.pipelines / "prepare.py")]
            done = subprocess.run(words, cwd=base, stdout=output, stderr=subprocess.STDOUT)
        if done.returncode:
            raise SynthtrialError(f"preparing the cohort failed: {last_line(log)} (see {log})")
        link.rename(sweep.root / "out" / study / "prepared")
    finally:
        lock.release()


def start_workers(sweep: Sweep, count: int, command: list[str]) -> list[subprocess.Popen]:
    """Start workers that end with this process, each with a share of the cores.

    Args:
        sweep: the sweep.
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
