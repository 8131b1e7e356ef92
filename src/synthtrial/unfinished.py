"""A folder that is written piece by piece, and that a killed stage goes on with."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from synthtrial.atomic import atomic_file
from synthtrial.code_hash import code_hash
from synthtrial.errors import SynthtrialError
from synthtrial.hashing import file_sha256
from synthtrial.tracking import versions

logger = logging.getLogger(__name__)


class Unfinished:
    """A folder in the making, with a list of the pieces that are finished.

    Use it as a context. After an error or a kill all stays, and the next one who opens the same place finds the pieces
    that were finished, if they are made from the same: settings, code, versions of libraries. A piece counts when each
    of its files is there with the bytes that were written; all other files are removed.

    Args:
        place: the folder that holds `files/`, the folder in the making, and `finished.jsonl`, one line per piece.
        made_from: all that every piece depends on, as plain JSON.
        keep: False removes all after an error, and goes on with nothing: for a folder that nobody comes back to.

    Attributes:
        files: the folder in the making.
        found: number of finished pieces that were there when the place was opened.

    Raises:
        SynthtrialError: when another process works here.
    """

    def __init__(self, place: Path, made_from: Mapping[str, Any], *, keep: bool = True) -> None:
        self.place, self.files = Path(place), Path(place) / "files"
        self.found = 0
        self._made_from = _hash({**made_from, "code": code_hash(), "libraries": versions()})
        self._keep = keep
        self._pieces: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Unfinished:
        if not self._keep:
            shutil.rmtree(self.place, ignore_errors=True)
        self.files.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(self.place)
        list_path = self.place / "finished.jsonl"
        self._pieces = self._still_whole(list_path)
        self.found = len(self._pieces)
        self._remove_all_else()
        with atomic_file(list_path) as partial, partial.open("w", encoding="utf-8") as file:
            file.write(json.dumps(self._made_from) + "\n")
            file.writelines(json.dumps(piece) + "\n" for piece in self._pieces.values())
        self._list = list_path.open("a", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        self._list.close()
        self._lock.close()
        if not self._keep:
            shutil.rmtree(self.place, ignore_errors=True)

    def content(self, name: str, key: str) -> Any:
        """What was told of a finished piece; None where it is not finished, or was made from something else.

        Args:
            name: of the piece.
            key: what it alone is made from.
        """
        piece = self._pieces.get(name)
        return json.loads(piece["content"]) if piece is not None and piece["key"] == _hash(key) else None

    def hashes(self, name: str) -> dict[str, str]:
        """SHA-256 of the files of a finished piece, by their path below `files`."""
        return self._pieces[name]["files"]

    def add(self, name: str, key: str, content: Any, files: Mapping[str, str]) -> None:
        """Tell of a piece whose files are written.

        Args:
            name: of the piece.
            key: what it alone is made from.
            content: what is remembered of it, as plain JSON.
            files: path below `files` -> SHA-256.
        """
        # Text, which takes a fraction of the memory of what it tells.
        self._pieces[name] = {"name": name, "key": _hash(key), "content": json.dumps(content), "files": dict(files)}
        self._list.write(json.dumps(self._pieces[name]) + "\n")
        self._list.flush()

    def finish(self, folder: Path) -> None:
        """Let the files take the place of `folder`, and forget the list."""
        partial = folder.with_name(f".{folder.name}.ready.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(self.files, partial)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
        shutil.rmtree(self.place)

    def _still_whole(self, list_path: Path) -> dict[str, dict[str, Any]]:
        """The listed pieces whose files are what they were."""
        if not list_path.is_file():
            return {}
        made_from, *lines = list_path.read_text(encoding="utf-8").split("\n")
        if made_from != json.dumps(self._made_from):
            logger.warning(
                f"{self.place}: settings, code or libraries have changed since it was stopped; starting over"
            )
            return {}
        # The last one is empty, or was cut off in the middle.
        pieces = {piece["name"]: piece for piece in map(json.loads, lines[:-1])}
        return {name: piece for name, piece in pieces.items() if self._is_whole(piece["files"])}

    def _is_whole(self, files: Mapping[str, str]) -> bool:
        paths = {self.files / name: sha256 for name, sha256 in files.items()}
        return all(path.is_file() and file_sha256(path) == sha256 for path, sha256 in paths.items())

    def _remove_all_else(self) -> None:
        """Remove files of no finished piece, and empty folders."""
        known = {name for piece in self._pieces.values() for name in piece["files"]}
        for path in sorted(self.files.rglob("*"), reverse=True):
            if path.is_dir():
                if not any(path.iterdir()):
                    path.rmdir()
            elif path.relative_to(self.files).as_posix() not in known:
                path.unlink()


def state_of(paths: Sequence[Path]) -> list[list[Any]]:
    """Path, size and time of change of files, and of all files in folders: equal when nothing was touched."""
    states = []
    for path in paths:
        inside = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        states += [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in inside]
    return states


def _locked(place: Path) -> IO[str]:
    """Hold a place for this process; the lock goes with the process."""
    lock = (place / "lock").open("w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise SynthtrialError(f"another process is writing {place}: wait until it has ended, or stop it") from error
    return lock


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
