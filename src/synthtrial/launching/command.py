"""A command line as a job: run once at a time, ended with its job, and run again after a preemption."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GRACE_S = 10
"""Seconds that a command has to end in when it is told to stop."""

NOT_INHERITED = ("SLURM_", "SUBMITIT_")
"""Beginnings of environment variables that a command must not see: Lightning would take it for a task of srun."""


@dataclass(frozen=True)
class Command:
    """A command line that goes on from its checkpoints when it is run again.

    Attributes:
        name: what to call it; also names a folder, and no other command that is launched to the same folder.
        words: the command line.
        folder: its working directory.
    """

    name: str
    words: tuple[str, ...]
    folder: Path


class CommandJob:
    """What a job calls: runs a command and returns its exit code, negative where a signal ended it.

    Args:
        command: the command.
        lock: file that is locked while the command runs: a second job of it waits, and then finds the work done.
        environment: variables to set, or to take away where None.
    """

    def __init__(self, command: Command, lock: Path, environment: Mapping[str, str | None]) -> None:
        self.command, self.lock, self.environment = command, lock, dict(environment)

    def __call__(self) -> int:
        """Run the command to its end."""
        with open(self.lock, "a") as file:
            if not try_lock(file):
                print("waiting for another process that runs this command", flush=True)
                fcntl.flock(file, fcntl.LOCK_EX)
            process = start(self.command, file.fileno(), self.environment)
            with ended(process):
                return process.wait()

    def checkpoint(self) -> Any:
        """Called by submitit when the job is preempted or its time is up: stop the command, and queue it again."""
        from submitit.helpers import DelayedSubmission

        end_children()
        return DelayedSubmission(self)


def try_lock(file: Any) -> bool:
    """Lock an open file unless another process holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def start(command: Command, lock: int, environment: Mapping[str, str | None], output: Any = None) -> subprocess.Popen:
    """Start a command, which inherits the lock: should its job be killed alone, the lock is held until it ends, too.

    Args:
        command: the command.
        lock: descriptor of the locked file.
        environment: variables to set, or to take away where None.
        output: file for what it says; None for this process's own.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
    whole = {name: value for name, value in {**inherited, **environment}.items() if value is not None}
    errors = subprocess.STDOUT if output else None
    streams = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": errors}
    return subprocess.Popen(command.words, cwd=command.folder, env=whole, pass_fds=[lock], **streams)


@contextmanager
def ended(process: subprocess.Popen) -> Iterator[None]:
    """End a process and all below it with the block, however that ends."""
    try:
        yield
    finally:
        if process.poll() is None:
            end_children()


def end_children() -> None:
    """End all processes below this one: as by Ctrl-C, so that they can tidy, then without asking."""
    import signal

    import psutil

    family = psutil.Process().children(recursive=True)
    for message, grace_s in ((signal.SIGINT, GRACE_S), (signal.SIGKILL, 1)):
        for process in family:
            try:
                process.send_signal(message)
            except psutil.NoSuchProcess:
                continue
        family = psutil.wait_procs(family, timeout=grace_s)[1]
