"""Launching many commands: as many at a time as the launcher says, each started again when it was killed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from synthtrial.errors import JobError
from synthtrial.launching.command import Command, CommandJob
from synthtrial.launching.launcher import Launcher, gpu_environment, jobs_at_once, visible_gpus
from synthtrial.launching.queues import Queue, State, Ticket, open_queue

LOOK_EVERY_S = 0.2
"""Seconds between two looks at the jobs: at files and processes; a cluster is asked less often."""

TAIL_LINES = 5
"""Last lines of a failed command's log that are shown."""


@dataclass(frozen=True)
class Outcome:
    """How a launched command has ended.

    Attributes:
        command: the command.
        code: its exit code; None where it was killed, or never said.
        reason: why there is no exit code, in words.
        log: file that holds what it said.
    """

    command: Command
    code: int | None
    reason: str
    log: Path

    @property
    def failed(self) -> bool:
        """Whether it did not end well."""
        return self.code != 0

    def __str__(self) -> str:
        """A failure in words, with the last words of its log."""
        ending = self.reason or f"exit code {self.code}"
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.is_file() else ""
        tail = [line for line in text.splitlines() if line.strip() and not line.startswith("submitit ")][-TAIL_LINES:]
        return "\n".join([f"{self.command.name} failed ({ending}); its log is {self.log}", *(f"    {x}" for x in tail)])


def launch_commands(commands: Sequence[Command], launcher: Launcher, logs: Path, title: str) -> list[Outcome]:
    """Run commands side by side, and wait for all, with a bar that counts those waiting, running, done and failed.

    A command that was killed, preempted or out of time is queued again, up to `launcher.requeues` times: it goes on
    from its own checkpoints. One that fails by itself is not. Should this process be killed, jobs of submitit go on;
    the same call finds them again, and no command is run twice at a time.

    Args:
        commands: what to run, each with a name of its own.
        launcher: how.
        logs: folder of logs; one folder per command below it. Jobs of a cluster must see it.
        title: what the bar says.

    Returns:
        How each has ended, in the order of the commands.

    Raises:
        ConfigError: when the launcher can't do what its settings ask for.
    """
    gpus = visible_gpus(launcher)
    limit = jobs_at_once(launcher, len(gpus)) or len(commands)
    entries = [_Entry(command, logs.resolve() / command.name) for command in commands]
    queue = open_queue(launcher)
    with _bar(title, len(entries)) as progress:
        while True:
            for entry in entries:
                entry.look(launcher, queue)
            for entry in entries:
                busy = {other.place for other in entries if other.ticket}
                if entry.outcome or entry.ticket or len(busy) >= limit:
                    continue
                entry.place = next(place for place in range(limit) if place not in busy)
                entry.submit(queue, gpu_environment(launcher, gpus, entry.place))
            _show(progress, entries)
            if all(entry.outcome for entry in entries):
                return [entry.outcome for entry in entries if entry.outcome]
            time.sleep(LOOK_EVERY_S)


def check_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Raise a JobError that names the commands which have failed and the logs that tell why, if any."""
    if failed := [outcome for outcome in outcomes if outcome.failed]:
        head = f"{len(failed)} of {len(outcomes)} jobs failed; what is done is kept, and the same command goes on"
        raise JobError("\n".join([head, *map(str, failed)]))


@dataclass
class _Entry:
    """A command on its way.

    Attributes:
        command: the command.
        folder: of its logs and notes.
        ticket: while it is in the queue.
        place: number among the jobs at work.
        starts: how often it was submitted.
        outcome: once it has ended for good.
    """

    command: Command
    folder: Path
    ticket: Ticket | None = None
    place: int = -1
    starts: int = 0
    outcome: Outcome | None = None
    seen: State = field(default_factory=lambda: State("waiting"))

    def submit(self, queue: Queue, environment: dict[str, str | None]) -> None:
        """Put the command into the queue, or find it there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ticket = queue.submit(CommandJob(self.command, self.folder / "lock", environment), self.folder)
        self.starts += 1

    def look(self, launcher: Launcher, queue: Queue) -> None:
        """See what has become of the command; after a kill, leave it to be submitted again."""
        if self.ticket is None:
            return
        self.seen = self.ticket.state()
        if self.seen.word != "ended":
            return
        if not self.seen.again or self.starts > launcher.requeues:
            self.outcome = Outcome(self.command, self.seen.code, self.seen.reason, self.ticket.log)
        else:
            self.seen = State("waiting")
        self.ticket = None


def _bar(title: str, total: int) -> Progress:
    progress = Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), refresh_per_second=2)
    progress.add_task(title, total=total, title=title)
    return progress


def _show(progress: Progress, entries: Sequence[_Entry]) -> None:
    """Count the commands by what has become of them."""
    failed = sum(1 for entry in entries if entry.outcome and entry.outcome.failed)
    done = sum(1 for entry in entries if entry.outcome) - failed
    running = sum(1 for entry in entries if entry.ticket and entry.seen.word == "running")
    pending = len(entries) - failed - done - running
    task = progress.tasks[0]
    words = f"{task.fields['title']}: {pending} pending, {running} running, {done} done, {failed} failed"
    progress.update(task.id, description=words, completed=done + failed)
