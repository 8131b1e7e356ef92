"""A study's results go to a DVC remote, and from there into a fresh copy of the project, where nothing has to run."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_study import copy_project

WORDS = ("study=smoke", "tracking=off", "trainer=cpu")


def run(folder: Path, *words: str) -> str:
    """Run a command in a folder, this interpreter first on the path; return what it printed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, env=os.environ | {"PATH": path}, timeout=600
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def contents(folder: Path) -> dict[str, str]:
    """Hash of every file below a folder that DVC keeps: all but what a killed stage goes on from, and the clocks."""
    own = {"stages", "checkpoints"}
    files = [path for path in folder.rglob("*") if path.is_file() and not own & set(path.relative_to(folder).parts)]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def with_remote(folder: Path, remote: Path) -> None:
    """Make a copy of the project in a folder, whose default remote is another folder."""
    folder.mkdir()
    copy_project(folder)
    run(folder, "dvc", "init", "--no-scm", "--quiet")
    run(folder, "dvc", "remote", "add", "--default", "store", str(remote))


@pytest.mark.slow
def test_a_pulled_study_is_up_to_date_in_a_fresh_copy(tmp_path: Path) -> None:
    remote, first, second = tmp_path / "remote", tmp_path / "first", tmp_path / "second"
    with_remote(first, remote)
    run(first, "python", "pipelines/compose.py", *WORDS)
    run(first, "dvc", "repro", "--quiet")
    run(first, "dvc", "push", "--quiet")
    results = contents(first / "out")
    assert any(name.endswith("report.html") for name in results)

    with_remote(second, remote)
    for name in ("params.yaml", "dvc.lock"):  # what git brings
        shutil.copy(first / name, second)
    shutil.rmtree(first)  # nothing but the remote is left
    assert not (second / "out").exists() and not list((second / ".dvc/cache").rglob("*.*"))
    run(second, "dvc", "pull", "--quiet")
    assert contents(second / "out") == results
    assert "up to date" in run(second, "dvc", "status")
    assert "Running stage" not in run(second, "dvc", "repro")
    assert "in sync" in run(second, "dvc", "status", "--cloud")
