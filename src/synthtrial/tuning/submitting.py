"""Workers of a sweep as jobs: of submitit on this machine, or in the queue of a cluster."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.launching.command import Command
from synthtrial.launching.launch import check_outcomes, launch_commands
from synthtrial.launching.launcher import Launcher, read_launcher

if TYPE_CHECKING:
    from synthtrial.tuning.ledger import Ledger
    from synthtrial.tuning.sweep import Sweep


def launcher_of(sweep: Sweep) -> Launcher:
    """How the workers of a sweep are started.

    Raises:
        ConfigError: when this machine can't start them so, or they could not share the sweep's storage.
    """
    launcher = read_launcher(sweep.params["launcher"])
    if launcher.executor == "slurm" and sweep.url.startswith("sqlite"):
        raise ConfigError(
            "launcher=slurm: workers on several machines can't share SQLite; give sweep.storage=journal:PATH on a "
            "disk that all of them see, or a PostgreSQL, see docs/tuning.md"
        )
    return launcher


def run_jobs(sweep: Sweep, ledger: Ledger, launcher: Launcher, count: int, words: Sequence[str]) -> None:
    """Run workers as jobs until all have ended; those of an earlier start that are at work are found again.

    Args:
        sweep: the sweep.
        ledger: who runs what.
        launcher: how.
        count: number of workers.
        words: the command line of one.

    Raises:
        JobError: when points are left, and a worker has failed; names its log.
        SynthtrialError: when points are left all the same.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(launcher.cpus))  # jobs inherit it
    logs = Path(launcher.logs).expanduser() if launcher.logs else sweep.folder / "jobs"
    name = f"{sweep.params['study']['name']}-{sweep.settings.name}-worker"
    commands = [Command(f"{name}{number}", tuple(words), sweep.root) for number in range(1, count + 1)]
    outcomes = launch_commands(commands, launcher, logs, f"workers of {sweep.settings.name}")
    if left := ledger.unsettled():
        check_outcomes(outcomes)
        raise SynthtrialError(
            f"all workers have ended; {len(left)} of {len(sweep.points)} points are left: start the same command "
            "again, it goes on"
        )
