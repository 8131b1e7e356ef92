"""A lock on a point's folder, which the kernel releases with the last process that holds it."""

from __future__ import annotations

import fcntl
import os
import platform
import uuid
from pathlib import Path


class PointLock:
    """Held by a worker, and by the stages it has started, for as long as any of them lives.

    Args:
        folder: the point's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / ".lock"
        self.descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock if nobody on this machine has it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self.descriptor = descriptor
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


def this_place(folder: Path) -> str:
    """This machine since it was started, and a folder on it: within one place, `PointLock` tells who lives."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        boot = str(uuid.getnode())
    return f"{platform.node()}:{boot}:{folder.resolve()}"
