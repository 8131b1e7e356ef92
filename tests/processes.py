"""What tests ask of processes that they have started."""

from __future__ import annotations

from pathlib import Path


def alive(process: int) -> bool:
    """Whether a process is still there, and not only its grave."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
