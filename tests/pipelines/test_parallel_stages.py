"""Stages whose trainings take two processes: started by Lightning, and as `srun` starts them on two nodes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from small_study import finish, write_project

pytestmark = pytest.mark.slow

SEGMENT = ("segment", "real")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that has been prepared, and its arms assembled, with tracking."""
    folder = tmp_path_factory.mktemp("project")
    write_project(folder)
    study = folder / "conf/study/small.yaml"
    study.write_text(study.read_text().replace("  - override /tracking: 'off'\n", ""))
    assert finish(folder, "compose", "study=small")[0] == 0
    for stage in (["prepare"], ["train_gan", "dcgan"], ["synthesize", "dcgan"], ["assemble"], SEGMENT):
        assert finish(folder, *stage)[0] == 0
    return folder


def afresh(project: Path) -> dict[str, pd.DataFrame]:
    """Remove what the trainings have written; return the tables that it had."""
    out = project / "out/small"
    tables = {name: pd.read_csv(out / path) for name, path in TABLES.items()}
    for folder in ("models", "segment", "checkpoints", "stages"):
        (out / folder).rename(project / f"earlier-{folder}-{len(list(project.iterdir()))}")
    return tables


TABLES = {
    "losses": "models/dcgan/development/losses.csv",
    "curves": "segment/real/unet/curves.csv",
    "cases": "segment/real/unet/cases.csv",
}


def runs(project: Path) -> int:
    """Runs that MLflow knows of."""
    import sqlite3

    with sqlite3.connect(project / "mlflow.db") as database:
        return database.execute("select count(*) from runs").fetchone()[0]


def same_tables(project: Path, before: dict[str, pd.DataFrame]) -> None:
    """Losses agree within 1 %, as rounding differs; the tables have the same rows."""
    for name, table in before.items():
        found = pd.read_csv(project / "out/small" / TABLES[name])
        assert list(found) == list(table) and len(found) == len(table)
        for column in {"loss", "discriminator/real", "discriminator/fake", "generator/fake"} & {*table}:
            assert found[column].tolist() == pytest.approx(table[column].tolist(), rel=1e-2, abs=1e-3)


def test_stages_in_two_processes_write_once(project: Path) -> None:
    before, known = afresh(project), runs(project)
    for words in (("train_gan", "dcgan"), SEGMENT):
        code, message = finish(project, *words, "trainer.devices=2")
        assert code == 0, message
        assert "Traceback" not in message
    same_tables(project, before)
    assert runs(project) - known == 2 + 3 + 1  # a run per stage and per fold, below a parent of these settings
    assert {path.name for path in (project / "out/small/stages").iterdir()} == {
        "train_gan-dcgan-development.json",
        "segment-real-unet.json",
    }
    assert not list((project / "out").rglob("*partial*"))


def test_two_nodes_of_slurm_train_together(project: Path) -> None:
    before = afresh(project)
    for words in (("train_gan", "dcgan"), SEGMENT):
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
    code, message = finish(project, "train_gan", "dcgan", "trainer.devices=2", "generators.dcgan.lr_g=1e30")
    assert code == 1
    assert message.count("error: ") == 1 and "Traceback" not in message and "became" in message
