"""Tasks spread over processes that are started once."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Callable, Iterable, Sequence
from multiprocessing import forkserver, get_all_start_methods, get_context
from multiprocessing.connection import wait
from typing import Any, Protocol

from synthtrial.cohorts.workers import end_with_parent
from synthtrial.errors import SynthtrialError, TrainingError, quieten_libraries
from synthtrial.tracking import peak_memory_mb

Tell = Callable[..., None]
"""Called by a task with words about its state; they reach the leading process."""

Hear = Callable[[Any, tuple], None]
"""Called in the leading process with a task and its words; the last ones are `("done", result)`."""


_FORKS = "forkserver" in get_all_start_methods()


def warm_up(preload: Sequence[str]) -> None:
    """Begin to import what processes will need, in another process, while this one goes on.

    Processes are never forked from this one: it may run threads (progress bar, tracking), which a fork would break. A
    fork server has none. Where the system has no such server, each process will import for itself.

    Args:
        preload: modules.
    """
    if _FORKS:
        forkserver.set_forkserver_preload(list(preload))
        forkserver.ensure_running()


class Work(Protocol):
    """What a process does: made once per process, called with one task after another."""

    def __call__(self, task: Any, tell: Tell) -> Any: ...


class Crew:
    """Processes that do tasks side by side, used as a context.

    With one process the tasks are done here, one after another. Results don't depend on the number of processes where
    those of a task don't depend on the tasks before it. All processes are ended with the context, by an error or
    Ctrl-C as well, and end themselves when this process is killed.

    Args:
        processes: how many.
        work: does one task. It is sent to each process once, as it is before the first task.
        preload: modules to import before processes are made, once for all where the system can fork from a server.

    Attributes:
        peak_rss_mb: peak resident memory of the largest process, MB; 0 without processes.
    """

    def __init__(self, processes: int, work: Work, preload: Sequence[str] = ()) -> None:
        self.work = work
        self.processes = processes
        self.preload = preload
        self.peak_rss_mb = 0.0
        self._connections: list[Any] = []
        self._started: list[Any] = []

    def __enter__(self) -> Crew:
        if self.processes > 1:
            self._start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            process.kill()  # they write folders that appear when they are whole, so that there is nothing to tidy
        for process in self._started:
            process.join()

    def map(self, tasks: Iterable[Any], hear: Hear) -> list[Any]:
        """Do all tasks; return their results in the order of the tasks.

        Raises:
            TrainingError: when a process has died.
            SynthtrialError: the first one that a task raises.
            RuntimeError: for any other error of a task, with its traceback.
        """
        tasks = list(tasks)
        if not self._started:
            return [self._do_here(task, hear) for task in tasks]
        results: dict[int, Any] = {}
        waiting = iter(range(len(tasks)))
        busy: dict[Any, int] = {}  # connection to the number of its task
        for free in self._connections:
            self._give(free, waiting, busy, tasks)
        while busy:
            for connection in wait(list(busy)):
                number = busy[connection]
                words, memory = self._receive(connection, tasks[number])
                self.peak_rss_mb = max(self.peak_rss_mb, memory)
                if words[0] == "done":
                    results[number] = words[1]
                    del busy[connection]
                    self._give(connection, waiting, busy, tasks)
                hear(tasks[number], words)
        return [results[number] for number in range(len(tasks))]

    def _start(self) -> None:
        warm_up(self.preload)
        context: Any = get_context("forkserver" if _FORKS else "spawn")
        for _ in range(self.processes):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, self.work))
            process.start()
            theirs.close()  # so that the end of the process is the end of its pipe
            self._connections.append(ours)
            self._started.append(process)

    def _give(self, connection: Any, waiting: Any, busy: dict[Any, int], tasks: list[Any]) -> None:
        """Give a process the next task, if there is one."""
        for number in waiting:
            try:
                connection.send(tasks[number])
            except ConnectionError as error:
                raise _died(tasks[number]) from error
            busy[connection] = number
            return

    def _do_here(self, task: Any, hear: Hear) -> Any:
        result = self.work(task, lambda *words: hear(task, words))
        hear(task, ("done", result))
        return result

    def _receive(self, connection: Any, task: Any) -> tuple[tuple, float]:
        """What a process says next, and its peak memory, MB."""
        try:
            said, memory = connection.recv()
        except (EOFError, ConnectionError) as error:
            raise _died(task) from error
        if isinstance(said, Exception):
            raise said
        return said, memory


def _died(task: Any) -> TrainingError:
    return TrainingError(
        f"a process died at work on {task}, most likely for want of memory: set runtime.fold_workers lower. "
        "What was finished is kept, and the same command goes on from there"
    )


def _serve(connection: Any, work: Work) -> None:
    """Do tasks until the leading process ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the leading one ends the others
    end_with_parent()
    quieten_libraries()

    def say(content: tuple | Exception) -> None:
        connection.send((content, peak_memory_mb()))

    while True:
        try:
            task = connection.recv()
        except EOFError:  # the leading process is gone
            return
        try:
            say(("done", work(task, lambda *words: say(words))))
        except SynthtrialError as error:
            say(error)
        except Exception:
            say(RuntimeError(traceback.format_exc()))  # not every error can be sent
