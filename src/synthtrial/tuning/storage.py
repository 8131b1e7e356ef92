"""Where the state of a sweep lives: SQLite, PostgreSQL, or Optuna's journal file."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.secrets import masked

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

PATIENCE_S = 5
"""How long a server may take to answer the first time, s."""
LOCKED_S = 60
"""How long to wait for another worker that is writing to SQLite, s."""


def storage_url(setting: str | None, folder: Path) -> str:
    """The storage to use, absolute; a file's place is the working directory.

    Raises:
        ConfigError: for what can't be one.
    """
    if setting is None:
        return f"sqlite:///{(folder / 'optuna.db').resolve()}"
    for kind in ("sqlite:///", "journal:"):
        if setting.startswith(kind):
            return f"{kind}{Path(setting.removeprefix(kind)).resolve()}"
    if not setting.startswith("postgresql"):
        raise ConfigError(
            f"the storage {masked(setting)!r} is none of sqlite:///PATH, journal:PATH and "
            "postgresql+psycopg://user@host/name"
        )
    return setting


def open_storage(url: str) -> BaseStorage:
    """Open a storage and make its tables or file where there are none yet.

    Args:
        url: `sqlite:///PATH`, `journal:PATH`, or a URL of SQLAlchemy such as `postgresql+psycopg://user@host/name`.

    Raises:
        ConfigError: when it does not answer within seconds, or its driver is not installed.
    """
    with one_sentence(url):
        if url.startswith("journal:"):
            return open_journal(Path(url.removeprefix("journal:")))
        return open_database(url)


def open_journal(path: Path) -> BaseStorage:
    """Optuna's journal in one file, which several machines may share."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    path.parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(path), JournalFileOpenLock(str(path))))


def open_database(url: str) -> BaseStorage:
    """A database behind SQLAlchemy."""
    from optuna.storages import RDBStorage

    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        engine: dict[str, Any] = {"connect_args": {"timeout": LOCKED_S}}
    else:
        engine = {"pool_pre_ping": True}
        if url.startswith("postgresql"):
            engine["connect_args"] = {"connect_timeout": PATIENCE_S}
    for attempt in range(5):
        try:
            return RDBStorage(url, engine_kwargs=engine)
        except Exception as error:
            # Two workers that come first at the same time both make the tables: the later one finds them there.
            if attempt == 4 or "already exists" not in str(error) and "UNIQUE" not in str(error).upper():
                raise
            time.sleep(0.2 * (attempt + 1))
    raise AssertionError("unreachable")


@contextlib.contextmanager
def one_sentence(url: str) -> Iterator[None]:
    """Turn whatever a storage raises into one sentence without its password."""
    try:
        yield
    except ImportError as error:
        raise ConfigError(
            f"the storage {masked(url)} needs a driver ({error}): write postgresql+psycopg://, and "
            "pip install 'synthtrial[postgres]'"
        ) from error
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(
            f"the storage {masked(url)} does not answer ({reason_of(error, url)}): start it, or mend the sweep's "
            "`storage`"
        ) from error


@contextlib.contextmanager
def while_it_answers(url: str) -> Iterator[None]:
    """Turn the end of a storage in the middle of a sweep into one sentence without its password."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (StorageInternalError, SQLAlchemyError) as error:
        raise SynthtrialError(
            f"the storage {masked(url)} has stopped answering ({reason_of(error, url)}): once it is back, start the "
            "same command again, it goes on"
        ) from error


def reason_of(error: BaseException, url: str) -> str:
    """The driver's own words, which stand in the first cause: SQLAlchemy adds statements and links to them."""
    while error.__cause__ is not None:
        error = error.__cause__
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    password = urlsplit(url).password
    return reason.replace(password, "***") if password else reason
