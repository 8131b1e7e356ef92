"""Work on many cases in processes side by side, with memory independent of their number."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context, parent_process
from threading import Thread

from synthtrial.errors import CohortError


def map_bounded(work: Callable, items: Iterable, workers: int) -> Iterator:
    """Map in order over processes, with at most two items per worker in flight."""
    if workers <= 1:
        yield from map(work, items)
        return
    # Processes are spawned, not forked: the caller may run threads (progress bar, tracking), which a fork would break.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
        waiting = iter(items)
        in_flight: deque[Future] = deque(pool.submit(work, item) for item in islice(waiting, 2 * workers))
        try:
            while in_flight:
                yield in_flight.popleft().result()
                in_flight.extend(pool.submit(work, item) for item in islice(waiting, 1))
        except BrokenProcessPool as error:
            raise CohortError(
                "a worker process died, most likely for want of memory: set runtime.workers lower"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def end_with_parent() -> None:
    """Let this worker end when its parent is killed; it would wait for work, and hold its memory, for ever."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()
