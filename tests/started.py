"""Processes that a test has started, found by where they work."""

from __future__ import annotations

from pathlib import Path

import psutil


def processes_in(folder: Path, word: str) -> list[psutil.Process]:
    """Processes that work in a folder with a word on their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder) and word in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found
