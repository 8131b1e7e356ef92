"""Where commands are run: each queue takes a command and gives a ticket that says what has become of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from synthtrial.launching.command import CommandJob
from synthtrial.launching.launcher import Launcher


@dataclass(frozen=True)
class State:
    """What has become of a command.

    Attributes:
        word: `pending`, `running` or `ended`.
        code: exit code of an ended command; None where it was killed, or never said.
        reason: why there is no exit code, in words.
        again: whether it may end better when it is started again.
    """

    word: str
    code: int | None = None
    reason: str = ""
    again: bool = False


PENDING, RUNNING = State("pending"), State("running")


def ended_with(code: int) -> State:
    """State of a command that has ended; a signal leaves it to go on from its checkpoint."""
    return State("ended", code, f"killed by signal {-code}" if code < 0 else "", again=code < 0)


class Ticket(Protocol):
    """A command that a queue has taken."""

    @property
    def log(self) -> Path:
        """File that holds what the command says."""
        ...

    def state(self) -> State:
        """What has become of it by now."""
        ...


class Queue(Protocol):
    """Takes commands."""

    def submit(self, job: CommandJob, folder: Path) -> Ticket:
        """Take a job, whose logs and notes go to a folder; or find one of the same command that is still at work."""
        ...


def open_queue(launcher: Launcher) -> Queue:
    """The queue that a launcher's executor names."""
    if launcher.executor == "none":
        from synthtrial.launching.plain import PlainQueue

        return PlainQueue()
    from synthtrial.launching.submitted import SubmititQueue

    return SubmititQueue(launcher)
