"""A grid with several workers, whatever of it is killed: every point has one result."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import optuna
import psutil
import pytest
from cheap import REPOSITORY, TUNE, write_project

WORDS = ["cheap", "study=smoke", "tracking=off", "--workers", "4"]


def start(folder: Path, *words: str) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "src"), "OMP_NUM_THREADS": "1"}
    with (folder / "output.txt").open("a") as output:
        command = [sys.executable, str(TUNE), *WORDS, *words]
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)


def kill_something(leader: subprocess.Popen, choose: random.Random) -> None:
    """Kill the leading process or one of the processes below it."""
    victims = [psutil.Process(leader.pid), *psutil.Process(leader.pid).children(recursive=True)]
    victim = choose.choice(victims)
    try:
        victim.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return


@pytest.mark.parametrize("storage", ["null", "journal:journal.log"])
@pytest.mark.slow
def test_a_grid_loses_and_repeats_no_point_over_ten_kills(tmp_path: Path, storage: str) -> None:
    write_project(tmp_path)
    choose = random.Random(7)
    leader = start(tmp_path, f"sweep.storage={storage}")
    for kill in range(10):
        deadline = time.monotonic() + choose.uniform(1.0, 6.0)
        while time.monotonic() < deadline and leader.poll() is None:
            time.sleep(0.1)
        if leader.poll() is None:
            kill_something(leader, choose)
        time.sleep(0.5)
        if leader.poll() is not None or kill % 3 == 2:
            leader.kill()
            leader.wait()
            leader = start(tmp_path, f"sweep.storage={storage}")
    codes = [leader.wait(timeout=500)]
    while codes[-1] and len(codes) < 5:  # all workers of a start may have been killed: the same command goes on
        codes.append(start(tmp_path, f"sweep.storage={storage}").wait(timeout=500))
    assert codes[-1] == 0, (tmp_path / "output.txt").read_text()[-2000:]
    check_results(tmp_path, storage)


def check_results(folder: Path, storage: str) -> None:
    from synthtrial.tuning.storage import open_storage, storage_url

    url = storage_url(
        None if storage == "null" else str(storage).replace("journal:", f"journal:{folder}/"),
        folder / "out/smoke/sweeps/cheap",
    )
    opened = open_storage(url)
    (name,) = optuna.get_all_study_names(opened)
    trials = optuna.load_study(study_name=name, storage=opened).trials
    complete = Counter(trial.user_attrs["point"] for trial in trials if trial.state.name == "COMPLETE")
    assert len(complete) == 27 and set(complete.values()) == {1}
    assert not [trial for trial in trials if trial.state.name == "RUNNING"]
    settings = {tuple(trial.params.values()) for trial in trials if trial.state.name == "COMPLETE"}
    assert len(settings) == 27
    calls = [line.split() for line in (folder / "calls.log").read_text().splitlines()]
    for point in {tuple(call[:3]) for call in calls}:
        spans = sorted((float(call[3]), float(call[4])) for call in calls if tuple(call[:3]) == point)
        assert all(later[0] >= earlier[1] for earlier, later in zip(spans, spans[1:], strict=False))
