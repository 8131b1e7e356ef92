"""Stages whose trainings take two processes: started by Lightning, and as `srun` starts them on two nodes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest
from small_study import finish, script, start, write_project

from processes import alive

pytestmark = pytest.mark.slow

TRAIN, SEGMENT = ("train_gan", "dcgan"), ("segment", "real")
TABLES = {
    "losses": "models/dcgan/development/losses.csv",
    "curves": "segment/real/unet/curves.csv",
    "cases": "segment/real/unet/cases.csv",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with tracking, whose cohort is prepared."""
    folder = tmp_path_factory.mktemp("project")
    write_project(folder)
    study = folder / "conf/study/small.yaml"
    text = study.read_text().replace("  - override /tracking: 'off'\n", "").replace("folds: 3", "folds: 2")
    study.write_text(text.replace("  mixed: {real: 1.0, synthetic: {dcgan: 1.0}}\n", ""))
    with contextlib.chdir(folder):
        for words in (("compose", "study=small"), ("prepare",)):
            assert script(*words) == 0
    return folder


@pytest.fixture(scope="module")
def trained(project: Path) -> Path:
    """The same, whose trainings have been done in one process."""
    with contextlib.chdir(project):
        for words in (TRAIN, ("assemble",), SEGMENT):
            assert script(*words) == 0
    return project


def afresh(project: Path) -> dict[str, pd.DataFrame]:
    """Put away what the trainings have written; return the tables that they had."""
    out = project / "out/small"
    tables = {name: pd.read_csv(out / path) for name, path in TABLES.items()}
    for folder in ("models", "segment", "checkpoints", "stages"):
        (out / folder).rename(project / f"earlier-{folder}-{len(list(project.iterdir()))}")
    return tables


def runs(project: Path) -> int:
    """Runs that MLflow knows of."""
    with sqlite3.connect(project / "mlflow.db") as database:
        return database.execute("select count(*) from runs").fetchone()[0]


def same_tables(project: Path, before: dict[str, pd.DataFrame]) -> None:
    """Losses agree within 1 %, as rounding differs; the tables have the same rows."""
    for name, table in before.items():
        found = pd.read_csv(project / "out/small" / TABLES[name])
        assert list(found) == list(table) and len(found) == len(table)
        for column in {"loss", "discriminator/real", "discriminator/fake", "generator/fake"} & {*table}:
            assert found[column].tolist() == pytest.approx(table[column].tolist(), rel=1e-2, abs=1e-3)


def test_stages_in_two_processes_write_once(trained: Path) -> None:
    project, before, known = trained, afresh(trained), runs(trained)
    for words in (TRAIN, SEGMENT):
        code, message = finish(project, *words, "trainer.devices=2")
        assert code == 0, message
        assert "Traceback" not in message
    same_tables(project, before)
    assert runs(project) - known == 2 + 2  # one per stage and one per fold
    assert {path.name for path in (project / "out/small/stages").iterdir()} == {
        "train_gan-dcgan-development.json",
        "segment-real-unet.json",
    }
    assert not list((project / "out").rglob("*partial*"))


def test_two_nodes_of_slurm_train_together(trained: Path) -> None:
    project, before = trained, afresh(trained)
    for words in (TRAIN, SEGMENT):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        slurm = {
            "NTASKS": "2",
            "STEP_NUM_TASKS": "2",
            "NTASKS_PER_NODE": "1",
            "NNODES": "2",
            "JOB_ID": "7",
            "LOCALID": "0",
        }
        command = [sys.executable, f"pipelines/{words[0]}.py", *words[1:], "trainer.nodes=2"]
        tasks = []
        for number in ("0", "1"):
            own = slurm | {"PROCID": number, "NODEID": number}
            env = os.environ | {f"SLURM_{key}": value for key, value in own.items()}
            env |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
            tasks.append(subprocess.Popen(command, cwd=project, env=env, text=True, stderr=subprocess.PIPE))
        try:
            said = [task.communicate(timeout=300)[1] for task in tasks]
        finally:
            for task in tasks:
                task.kill()
        assert [task.returncode for task in tasks] == [0, 0], said
    same_tables(project, before)
    facts = json.loads((project / "out/small/models/dcgan/development/model.json").read_text())
    assert facts["images_seen"] == 8


def test_a_loss_that_is_not_finite_is_told_once(project: Path) -> None:
    code, message = finish(project, *TRAIN, "trainer.devices=2", "generators.dcgan.lr_g=1e30")
    assert code == 1
    assert message.count("error: ") == 1 and "Traceback" not in message and "became" in message


LONG = (*TRAIN, "trainer.devices=2", "generators.dcgan.train.images=64", "generators.dcgan.train.checkpoint_every=8")


@contextlib.contextmanager
def training(project: Path, until: str) -> Iterator[tuple[subprocess.Popen[str], psutil.Process]]:
    """Train in two processes, and hand them over when a picture of samples is there; the leading one is the first."""
    with start(project, *LONG) as leading:
        try:
            while not (project / "out/small/checkpoints/train_gan-dcgan-development" / until).is_file():
                assert leading.poll() is None, leading.communicate()[1]
                time.sleep(0.01)
            children = psutil.Process(leading.pid).children()
            (other,) = (child for child in children if child.environ().get("LOCAL_RANK") == "1")
            yield leading, other
        finally:
            leading.kill()


def test_a_training_goes_on_after_one_or_all_of_its_processes_were_killed(project: Path) -> None:
    model = project / "out/small/models/dcgan/development"
    assert finish(project, *LONG)[0] == 0
    whole = (model / "generator.safetensors").read_bytes()
    for folder in ("models", "checkpoints"):
        shutil.rmtree(project / "out/small" / folder)

    with training(project, "samples_00000016.png") as (leading, other):
        other.kill()
        message = leading.communicate(timeout=60)[1]
    # Code 1 where the leading process finds its connection closed, else Lightning finds that the other has ended.
    assert leading.returncode in (1, -signal.SIGKILL)
    assert "error: " in message and "Traceback" not in message
    assert "lost each other" in message and "goes on from the last checkpoint" in message

    with training(project, "samples_00000040.png") as (leading, other):
        leading.kill()
    deadline = time.monotonic() + 60
    while alive(other.pid):
        assert time.monotonic() < deadline, "the other process lives on"
        time.sleep(0.05)
    assert not model.exists()

    assert finish(project, *LONG)[0] == 0
    assert (model / "generator.safetensors").read_bytes() == whole
