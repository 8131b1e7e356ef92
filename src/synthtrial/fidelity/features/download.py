"""Fetch one file from the network, whole and unaltered or not at all."""

from __future__ import annotations

import http.client
import os
import urllib.request
from pathlib import Path

from rich.console import Console
from rich.progress import wrap_file

from synthtrial.atomic import atomic_file
from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.hashing import file_sha256

CHUNK_BYTES = 1 << 20
TIMEOUT_S = 30


def cache_folder() -> Path:
    """Where downloads are kept: `$SYNTHTRIAL_CACHE`, else `~/.cache/synthtrial`."""
    return Path(os.environ.get("SYNTHTRIAL_CACHE") or "~/.cache/synthtrial").expanduser()


def download(url: str, path: Path, sha256: str | None) -> None:
    """Fetch a file; nothing is left at `path` unless all of it has come with the right checksum.

    Args:
        url: where it lies.
        path: where it is wanted; its folder is made.
        sha256: its checksum, or the first digits; None accepts any content.

    Raises:
        SynthtrialError: when it can't be fetched or written.
        ConfigError: for another checksum.
    """
    try:
        with atomic_file(path) as partial:
            _fetch(url, partial)
            check_sha256(partial, sha256, name=url)
    except (OSError, http.client.HTTPException) as error:
        raise SynthtrialError(
            f"can't download {url} to {path}: {error}. Where there is no network, fetch the file elsewhere and set "
            "`weights` to its path"
        ) from error


def _fetch(url: str, path: Path) -> None:
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response, path.open("wb") as file:
        expected = int(response.headers.get("Content-Length") or 0)
        # On stderr: a program's standard output may be read by another one.
        bar = wrap_file(
            response, total=expected, description=path.name.removeprefix(".partial."), console=Console(stderr=True)
        )
        with bar as reader:
            while chunk := reader.read(CHUNK_BYTES):
                file.write(chunk)
        if file.tell() < expected:
            raise http.client.HTTPException(f"the connection broke off after {file.tell()} of {expected} bytes")


def check_sha256(path: Path, sha256: str | None, name: str | None = None) -> None:
    """Compare a file's checksum with the one it should have, or with its first digits; None is content with any.

    Args:
        path: the file.
        sha256: what its checksum begins with.
        name: what the message calls the file; its path where none is given.

    Raises:
        ConfigError: for another checksum, or a file that can't be read.
    """
    if sha256 is None:
        return
    try:
        found = file_sha256(path)
    except OSError as error:
        raise ConfigError(f"can't read the weights {path}: {error.strerror}") from error
    if not found.startswith(sha256):
        raise ConfigError(
            f"{name or path} is not the expected file: its sha256 is {found}, not {sha256}. Get it again; to use other "
            "weights on purpose, set `sha256` to that checksum, or to null to accept any"
        )
