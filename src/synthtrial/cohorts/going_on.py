"""Work on many cases that goes on, after a kill, with those that were not finished."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from synthtrial.cohorts.workers import map_bounded
from synthtrial.hashing import file_sha256
from synthtrial.unfinished import Unfinished

Item = TypeVar("Item")


@dataclass(frozen=True)
class Done:
    """What a worker says of an item.

    Attributes:
        content: what is remembered of it, as plain JSON: small, as it stays in memory.
        files: those that were written, below the folder of the cohort.
    """

    content: Any
    files: tuple[str, ...]


def map_unfinished(
    work: Callable[[Item], Done],
    items: Sequence[Item],
    *,
    name_of: Callable[[Item], str],
    key_of: Callable[[Item], str],
    workers: int,
    unfinished: Unfinished,
) -> Iterator[Any]:
    """Give the content of each item, in order; items that an earlier run has finished are not worked on again.

    Args:
        work: done in processes side by side; writes below `unfinished.files`.
        items: what to work on.
        name_of: name of an item, unlike all others in the folder.
        key_of: what the result of an item depends on.
        workers: processes side by side.
        unfinished: knows what is finished, and is told.
    """
    keys = [key_of(item) for item in items]
    to_do = [unfinished.content(name_of(item), key) is None for item, key in zip(items, keys, strict=True)]
    left = [item for item, missing in zip(items, to_do, strict=True) if missing]
    results = map_bounded(partial(_with_hashes, work=work, folder=unfinished.files), left, min(workers, len(left)))
    for item, key, missing in zip(items, keys, to_do, strict=True):
        if missing:
            done, hashes = next(results)
            unfinished.add(name_of(item), key, done.content, hashes)
            yield done.content
        else:
            yield unfinished.content(name_of(item), key)


def _with_hashes(item: Item, *, work: Callable[[Item], Done], folder: Path) -> tuple[Done, dict[str, str]]:
    done = work(item)
    return done, {name: file_sha256(folder / name) for name in done.files}
