"""Storages: one sentence within seconds when they do not answer, and never a password."""

from __future__ import annotations

import time

import pytest

from synthtrial.errors import ConfigError
from synthtrial.tuning.storage import open_storage, shown


def test_a_password_is_not_shown() -> None:
    assert shown("postgresql+psycopg://me:secret@host/name") == "postgresql+psycopg://me:***@host/name"


def test_a_server_that_does_not_answer_is_one_sentence_within_seconds() -> None:
    pytest.importorskip("psycopg")
    started = time.monotonic()
    with pytest.raises(ConfigError, match="does not answer") as refusal:
        open_storage("postgresql+psycopg://me:secret@127.0.0.1:1/name")
    assert time.monotonic() - started < 20
    assert "secret" not in str(refusal.value) and "\n" not in str(refusal.value)
