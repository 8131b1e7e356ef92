"""Commands as plain processes of this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

from synthtrial.launching.command import CommandJob, start, try_lock
from synthtrial.launching.queues import PENDING, RUNNING, State, ended_with


class PlainQueue:
    """Starts each command at once, or when an earlier process that runs it, and so holds its lock, has ended."""

    def submit(self, job: CommandJob, folder: Path) -> PlainTicket:
        """Start a command; what it says goes to `log.txt` in the folder."""
        return PlainTicket(job, folder / "log.txt")


class PlainTicket:
    """A process, or one that waits for the lock of its command.

    Args:
        job: the command.
        log: file for what it says; grows with each start.
    """

    def __init__(self, job: CommandJob, log: Path) -> None:
        self.job, self.log = job, log
        self._process: subprocess.Popen | None = None

    def state(self) -> State:
        """What has become of it by now; starts it when it can be started."""
        if self._process is None:
            self._start()
        if self._process is None:
            return PENDING
        code = self._process.poll()
        return RUNNING if code is None else ended_with(code)

    def _start(self) -> None:
        with open(self.job.lock, "a") as lock, open(self.log, "ab") as output:
            if try_lock(lock):
                self._process = start(self.job.command, lock.fileno(), self.job.environment, output)
