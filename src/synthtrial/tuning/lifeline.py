"""A process that never outlives the one that started it, not even when that is killed with SIGKILL."""

from __future__ import annotations

import os
import signal
import sys
import threading


def die_with_parent() -> None:
    """End this process and all that it started as soon as its standard input is closed.

    The one that started it holds the other end of the pipe and writes nothing; the kernel closes it with that process.
    To be called in a process with a session of its own.
    """
    pipe = os.dup(sys.stdin.fileno())
    with open(os.devnull, encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), sys.stdin.fileno())

    def wait() -> None:
        os.read(pipe, 1)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()
