"""A file or folder is there whole, or as it was before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synthtrial.atomic import atomic_file, atomic_folder, write_json


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "result") as partial:
        (partial / "a.txt").write_text("a")
        assert not (tmp_path / "result").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["result"]
    assert (tmp_path / "result/a.txt").read_text() == "a"


def test_a_failure_leaves_the_older_folder_and_no_litter(tmp_path: Path) -> None:
    (tmp_path / "result").mkdir()
    (tmp_path / "result/old.txt").write_text("old")
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "result") as partial:
        (partial / "new.txt").write_text("new")
        raise RuntimeError
    assert [path.name for path in tmp_path.rglob("*")] == ["result", "old.txt"]


def test_a_failure_leaves_the_older_file(tmp_path: Path) -> None:
    write_json(tmp_path / "facts.json", {"n": 1})
    with pytest.raises(RuntimeError), atomic_file(tmp_path / "facts.json") as partial:
        partial.write_text("{")
        raise RuntimeError
    assert json.loads((tmp_path / "facts.json").read_text()) == {"n": 1}
    assert len(list(tmp_path.iterdir())) == 1


def test_json_refuses_what_is_not_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "facts.json", {"n": float("nan")})
    assert not list(tmp_path.iterdir())
