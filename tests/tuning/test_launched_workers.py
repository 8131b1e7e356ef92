"""A sweep whose workers are jobs of submitit: killed, preempted and left alone, it still runs every point once."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import optuna
import pytest
from cheap import REPOSITORY, write_project
from test_kills import finished, start

from started import processes_in
from synthtrial.errors import ConfigError
from synthtrial.tuning.storage import open_storage
from synthtrial.tuning.submitting import launcher_of
from synthtrial.tuning.sweep import load_sweep

LOCAL = ("--workers", "2", "launcher=local", "launcher.at_once=2")
POINTS = 8


def write_small_sweep(folder: Path) -> None:
    """Write the sweep `cheap` with two values of each key."""
    write_project(folder)
    sweep = folder / "conf/sweep/cheap.yaml"
    text = sweep.read_text()
    for third in (", 3.0e-4]", ", 4.0e-4]", ", 32]"):
        assert third in text
        text = text.replace(third, "]")
    sweep.write_text(text.replace("seconds: 0.3", "seconds: 2.0"))


def wait_for_points(folder: Path, leader: subprocess.Popen | None, count: int) -> None:
    deadline = time.monotonic() + 200
    while finished(folder) < count:
        assert time.monotonic() < deadline and (leader is None or leader.poll() is None), output(folder)
        time.sleep(0.05)
    assert finished(folder) < POINTS, "the sweep was done too soon"


def output(folder: Path) -> str:
    return (folder / "output.txt").read_text()[-3000:]


@pytest.mark.slow
def test_workers_are_queued_again_and_outlive_their_leader(tmp_path: Path) -> None:
    write_small_sweep(tmp_path)
    with start(tmp_path, *LOCAL) as leader:
        wait_for_points(tmp_path, leader, 1)
        processes_in(tmp_path, "--as-job")[0].kill()
        wait_for_points(tmp_path, leader, 2)
        jobs = {job.pid: job for job in processes_in(tmp_path, "submitit.core._submit")}
        next(job for job in jobs.values() if job.children()).send_signal(signal.SIGUSR2)  # as Slurm preempts
        wait_for_points(tmp_path, leader, 3)
        leader.kill()
    wait_for_points(tmp_path, None, finished(tmp_path) + 1)
    assert start(tmp_path, *LOCAL).wait(timeout=200) == 0, output(tmp_path)
    sweep = tmp_path / "out/smoke/sweeps/cheap"
    storage = open_storage(f"sqlite:///{sweep}/optuna.db")
    (name,) = optuna.get_all_study_names(storage)
    trials = optuna.load_study(study_name=name, storage=storage).trials
    complete = Counter(trial.user_attrs["point"] for trial in trials if trial.state.name == "COMPLETE")
    assert len(complete) == POINTS and set(complete.values()) == {1}
    assert not [trial for trial in trials if trial.state.name == "RUNNING"]
    workers = sorted((sweep / "jobs").iterdir())
    assert [worker.name for worker in workers] == ["smoke-cheap-worker1", "smoke-cheap-worker2"]
    assert len(list((sweep / "jobs").glob("*/*_submitted.pkl"))) == 3, "the killed worker alone was submitted again"
    assert "this job is preempted" in "".join(log.read_text() for log in (sweep / "jobs").glob("*/*_log.out"))


def test_a_launcher_makes_no_other_sweep_of_it(tmp_path: Path) -> None:
    write_project(tmp_path)
    settings = {"conf": tmp_path / "conf", "pipelines": REPOSITORY / "pipelines", "root": tmp_path, "trusted": True}
    plain, local = (load_sweep("cheap", ["study=smoke", *words], **settings) for words in ([], ["launcher=local"]))
    assert plain.version == local.version
    assert (launcher_of(plain).executor, launcher_of(local).executor) == ("none", "local")


def test_workers_on_a_cluster_need_a_storage_that_they_can_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_project(tmp_path)
    for name in ("sbatch", "srun"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    settings = {"conf": tmp_path / "conf", "pipelines": REPOSITORY / "pipelines", "root": tmp_path, "trusted": True}
    words = ["study=smoke", "launcher=slurm"]
    with pytest.raises(ConfigError, match="can't share SQLite"):
        launcher_of(load_sweep("cheap", words, **settings))
    launcher_of(load_sweep("cheap", [*words, f"sweep.storage=journal:{tmp_path}/journal.log"], **settings))
