"""Files of cases, opened once per process however often a case is drawn."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np


def most_files() -> int:
    """Half of the files that a process may hold open (Linux usually allows 1024, macOS 256), and at most 512."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 512 if allowed == resource.RLIM_INFINITY else min(512, allowed // 2)


MOST_FILES = most_files()
"""Files kept at once; each memory map holds one open."""

MOST_BYTES = 2**18
"""Largest decoded array that is kept, bytes: a grey picture of 512 x 512 pixels. Memory maps may be of any size."""

_kept: dict[tuple[object, ...], np.ndarray] = {}


def opened(path: Path, read: Callable[[Path], np.ndarray]) -> np.ndarray:
    """The array that `read` makes of a file, read again only when the file has changed or long been out of use.

    Args:
        path: the file.
        read: opens or decodes it.

    Returns:
        The array, read-only, as all who ask for the file share it.
    """
    state = os.stat(path)
    key = (read, str(path), state.st_ino, state.st_mtime_ns, state.st_size)
    array = _kept.pop(key, None)
    if array is None:
        array = read(path)
        array.setflags(write=False)
    if isinstance(array, np.memmap) or array.nbytes <= MOST_BYTES:
        _kept[key] = array  # last in the dict: the first ones are those that were not asked for lately
    while len(_kept) > MOST_FILES:
        del _kept[next(iter(_kept))]
    return array
