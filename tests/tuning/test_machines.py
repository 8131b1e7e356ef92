"""One sweep on "two machines": two working folders with nothing in common but the storage, and one is killed."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import optuna
import pandas as pd
import pytest
from cheap import start_tune, write_project

from servers import postgresql
from synthtrial.tuning.storage import open_storage

NEEDS_POSTGRESQL = [
    pytest.mark.skipif(not shutil.which("initdb"), reason="PostgreSQL is not installed"),
    pytest.mark.skipif(not importlib.util.find_spec("psycopg"), reason="psycopg is not installed"),
]


@contextlib.contextmanager
def journal(folder: Path) -> Iterator[str]:
    yield f"journal:{folder}/shared/journal.log"


@contextlib.contextmanager
def database(folder: Path) -> Iterator[str]:
    with postgresql() as url:
        yield url.replace("postgresql://", "postgresql+psycopg://")


@pytest.mark.parametrize("storage", [journal, pytest.param(database, marks=NEEDS_POSTGRESQL)])
@pytest.mark.slow
def test_two_machines_share_a_grid_and_one_is_killed(tmp_path: Path, storage) -> None:
    log, machines = tmp_path / "calls.log", [tmp_path / "one", tmp_path / "two"]
    for machine in machines:
        machine.mkdir()
        nine = ("latent: {values: [8, 16, 32]}", "latent: {values: [16]}")
        write_project(machine, log, nine, ("seconds: 0.3", "seconds: 1.0"))
    with storage(tmp_path) as url:
        words = ("cheap", "study=smoke", "tracking=off", "--workers", "2", f"sweep.storage={url}")
        leaders = [start_tune(machine, *words) for machine in machines]
        try:
            study = wait_for(url, lambda trials: len(places(trials, "RUNNING", "COMPLETE")) == 2)
            study = wait_for(url, lambda trials: places(trials, "RUNNING", "COMPLETE").get(str(machines[0])))
            leaders[0].send_signal(signal.SIGKILL)
            said, problems = leaders[1].communicate(timeout=500)
        finally:
            for leader in leaders:
                leader.kill()
                leader.communicate()
        assert leaders[1].returncode == 0 and not problems, said + problems
        trials = study.get_trials()
    results = [trial for trial in trials if trial.state.name == "COMPLETE"]
    assert set(Counter(trial.user_attrs["point"] for trial in results).values()) == {1} and len(results) == 9
    assert not [trial for trial in trials if trial.state.name in ("RUNNING", "WAITING")]
    assert "open-sesame" not in said
    calls = [line.split() for line in log.read_text().splitlines()]
    for point in {tuple(call[:3]) for call in calls}:
        spans = sorted((float(call[3]), float(call[4])) for call in calls if tuple(call[:3]) == point)
        assert all(later[0] >= earlier[1] for earlier, later in zip(spans, spans[1:], strict=False)), point
    table = pd.read_csv(machines[1] / "out/smoke/sweeps/cheap/table.csv")
    assert len(table) == 9 and set(table["state"]) == {"complete"} and table["best"].sum() == 1


@pytest.mark.skipif(not shutil.which("initdb"), reason="PostgreSQL is not installed")
@pytest.mark.slow
def test_a_storage_that_ends_in_the_middle_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    write_project(tmp_path, None, ("seconds: 0.3", "seconds: 1.0"))
    with contextlib.ExitStack() as server:
        url = server.enter_context(database(tmp_path))
        leader = start_tune(tmp_path, "cheap", "study=smoke", "tracking=off", f"sweep.storage={url}")
        wait_for(url, lambda trials: places(trials, "COMPLETE"))
        server.close()
        _, problems = leader.communicate(timeout=300)
    assert leader.returncode == 1 and "Traceback" not in problems and "open-sesame" not in problems
    assert "has stopped answering" in problems and "it goes on" in problems


def places(trials, *states: str) -> Counter:
    """Number of trials in some states by the folder of the machine that runs them."""
    of = [trial.user_attrs.get("place", "") for trial in trials if trial.state.name in states]
    return Counter(place.rpartition(":")[2].partition("/out/")[0] for place in of)


def wait_for(url: str, condition) -> optuna.Study:
    """Wait until the trials of the storage's only study fulfil a condition."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        storage = open_storage(url)
        for name in optuna.get_all_study_names(storage):
            study = optuna.load_study(study_name=name, storage=storage)
            if condition(study.get_trials()):
                return study
        time.sleep(0.3)
    raise AssertionError("it did not come")
