"""How long a stage took, and how much of that was training."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

_IMPORTED = time.time()
_begun: float | None = None


def begin_stage() -> None:
    """Let the stage begin now: for a process that runs several stages, one after the other."""
    global _begun
    _begun = time.time()


def process_start() -> float:
    """Unix time, s, at which this process or its stage began; where the system does not tell, that of this import."""
    if _begun is not None:
        return _begun
    try:
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return _IMPORTED
    # Both since the machine was booted; /proc/uptime may be the container's.
    running = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.time() - running


def covered(stretches: Iterable[tuple[float, float]]) -> float:
    """Length of the time that stretches of time cover together, s; where they overlap, it counts once.

    Args:
        stretches: beginning and end of each, s, in any order.
    """
    total, reached = 0.0, float("-inf")
    for start, end in sorted(stretches):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
