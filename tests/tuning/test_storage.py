"""Storages: one sentence within seconds when they do not answer, and never a password."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from synthtrial.errors import ConfigError
from synthtrial.tuning.storage import open_storage, storage_url


def test_files_are_found_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert storage_url("journal:shared/log", tmp_path / "sweep") == f"journal:{tmp_path}/shared/log"
    assert storage_url(None, tmp_path / "sweep") == f"sqlite:///{tmp_path}/sweep/optuna.db"


@pytest.mark.parametrize("listens", [False, True])
def test_a_server_that_does_not_answer_is_one_sentence_within_seconds(listens: bool) -> None:
    pytest.importorskip("psycopg")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listens:
            server.listen()  # it takes the connection, and never says a word
        started = time.monotonic()
        with pytest.raises(ConfigError, match="does not answer") as refusal:
            open_storage(f"postgresql+psycopg://me:secret@127.0.0.1:{server.getsockname()[1]}/name")
    assert time.monotonic() - started < 20
    assert "secret" not in str(refusal.value) and "\n" not in str(refusal.value)
