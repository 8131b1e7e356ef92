"""A grid with several workers, whatever of it is killed: every point has one result."""

from __future__ import annotations

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
from cheap import TUNE, environment, write_project

WORDS = ["cheap", "study=smoke", "tracking=off", "--workers", "4"]


def start(folder: Path, *words: str) -> subprocess.Popen:
    with (folder / "output.txt").open("a") as output:
        command = [sys.executable, str(TUNE), *WORDS, *words]
        return subprocess.Popen(command, cwd=folder, env=environment(), stdout=output, stderr=subprocess.STDOUT)


def kill_something(leader: subprocess.Popen, choose: random.Random, *, the_leader: bool) -> int:
    """Kill the leading process, or else one of those below it; return 1 when one was hit."""
    process = psutil.Process(leader.pid)
    victims = [process] if the_leader else process.children(recursive=True)
    if not victims:
        return 0
    try:
        choose.choice(victims).send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return 0
    if the_leader:
        leader.wait()
    return 1


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["null", "journal:journal.log"])
def test_a_grid_loses_and_repeats_no_point_over_ten_kills(tmp_path: Path, storage: str) -> None:
    """A kill counts only when it hit a living process while points were left; the leading process is hit, too."""
    write_project(tmp_path, None, ("seconds: 0.3", "seconds: 1.5"))  # long enough for ten kills before the end
    choose = random.Random(7)
    words = f"sweep.storage={storage}"
    leader, kills, starts, begun = start(tmp_path, words), 0, 1, finished(tmp_path)
    while kills < 10:
        if kills % 2 == 0:  # several points may end between two looks, so not each time
            wait_for_progress(tmp_path, leader, begun)
        time.sleep(choose.uniform(0.0, 1.5))
        assert finished(tmp_path) < 27, f"the sweep was done after {kills} kills"
        if leader.poll() is None:
            kills += kill_something(leader, choose, the_leader=kills % 3 == 2)
        begun = finished(tmp_path)
        time.sleep(0.3)
        if leader.poll() is not None:
            leader, starts = start(tmp_path, words), starts + 1
    codes = [leader.wait(timeout=500)]
    while codes[-1] and len(codes) < 5:  # all workers of a start may have been killed: the same command goes on
        codes.append(start(tmp_path, words).wait(timeout=500))
    assert starts > 3 and codes[-1] == 0, (tmp_path / "output.txt").read_text()[-2000:]
    check_results(tmp_path, storage)


def finished(folder: Path) -> int:
    """How many evaluations have ended."""
    calls = folder / "calls.log"
    return len(calls.read_text().splitlines()) if calls.is_file() else 0


def wait_for_progress(folder: Path, leader: subprocess.Popen, begun: int) -> None:
    """Wait until an evaluation has ended since `begun`, or the leading process has."""
    deadline = time.monotonic() + 200
    while finished(folder) <= begun and leader.poll() is None:
        assert time.monotonic() < deadline, "nothing went on"
        time.sleep(0.05)


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
