"""A real MLflow server, on SQLite and on PostgreSQL; passwords stay secret, and a dead server is one sentence."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from omegaconf import DictConfig

from servers import DATABASE_PASSWORD, free_port, mlflow_server, postgresql
from synthtrial.composing import write_params
from synthtrial.errors import ConfigError
from synthtrial.params import stage_params
from synthtrial.secrets import mask_logs, masked
from synthtrial.tracking import stage_run

REPOSITORY = Path(__file__).resolve().parents[1]
SECRET = "s3cr3t"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with conf/, and none of MLflow's variables set."""
    shutil.copytree(REPOSITORY / "conf", tmp_path / "conf")
    shutil.copytree(REPOSITORY / "pipelines", tmp_path / "pipelines")
    shutil.copy(REPOSITORY / "dvc.yaml", tmp_path)
    for name in ("URI", "USERNAME", "PASSWORD", "TOKEN"):
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", "")  # noted, so that what a test sets is taken back
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def composed(*words: str) -> DictConfig:
    """Parameters of the prepare stage, of a study whose runs go to a server."""
    words = ("study=smoke", "tracking=server", "tracking.system_metrics=false", *words)
    write_params(list(words), Path("conf"), Path("params.yaml"))
    return stage_params("prepare")


def log_and_read_back(uri: str, params: DictConfig, folder: Path) -> None:
    """Let a stage log one of everything to a server, and read all of it through MLflow's client."""
    import mlflow

    (folder / "table.csv").write_text("a,b\n1,2\n")
    with stage_run("prepare", params) as run:
        run.log_metrics({"dice": 0.25}, step=3)
        run.log_artifact(folder / "table.csv")
        child = run.child("fold 0")
        child.log_metrics({"loss": 0.5}, step=1)
        child.finish()
    client = mlflow.MlflowClient(uri)
    kept = client.get_run(run.run_id)
    assert kept.data.metrics == {"dice": 0.25} and kept.info.status == "FINISHED"
    assert kept.data.params["study.seed"] == str(params.study.seed)
    assert client.get_metric_history(run.run_id, "dice")[0].step == 3
    below = client.get_run(child.run_id)
    assert below.data.tags["mlflow.parentRunId"] == run.run_id and below.data.metrics == {"loss": 0.5}
    study = client.get_run(kept.data.tags["mlflow.parentRunId"])
    assert study.data.tags["synthtrial.kind"] == "study"
    assert "study:" in Path(client.download_artifacts(study.info.run_id, "params.yaml")).read_text()
    assert Path(client.download_artifacts(run.run_id, "table.csv")).read_text() == "a,b\n1,2\n"
    assert list((folder / "store").rglob("table.csv")), "the server's own store has no such file"
    assert not (folder / "mlartifacts").exists() and not (folder / "mlflow.db").exists()


@pytest.mark.slow
def test_a_stage_logs_to_a_server_that_keeps_all_of_it(project: Path, monkeypatch, capfd) -> None:
    with mlflow_server(project, f"sqlite:///{project}/server.db") as uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.replace("http://", f"http://me:{SECRET}@"))
        log_and_read_back(uri, composed(), project)
        assert os.environ["MLFLOW_TRACKING_PASSWORD"] == SECRET
    assert SECRET not in "".join(capfd.readouterr())
    assert SECRET not in (project / "params.yaml").read_text()


@pytest.mark.skipif(not shutil.which("initdb"), reason="PostgreSQL is not installed")
@pytest.mark.skipif(not importlib.util.find_spec("psycopg"), reason="psycopg is not installed")
@pytest.mark.slow
def test_a_server_on_postgresql_keeps_all_of_it(project: Path) -> None:
    with postgresql() as database, mlflow_server(project, database) as uri:
        log_and_read_back(uri, composed(f"tracking.uri={uri}"), project)
        with pytest.raises(ConfigError, match=r"holds a password"):
            composed(f"tracking.uri={database}")
    assert DATABASE_PASSWORD not in (project / "params.yaml").read_text()


@pytest.mark.parametrize("kind", ["nobody listens", "no word", "database"])
def test_a_dead_server_is_one_sentence_within_seconds(project: Path, kind: str) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if kind == "no word":
            listener.listen()  # it takes the connection, and never answers
        port = listener.getsockname()[1] if kind == "no word" else free_port()
        scheme = "postgresql" if kind == "database" else "http"
        composed()
        words = ["tracking.artifacts=store"] if kind == "database" else []
        environment = os.environ | {"MLFLOW_TRACKING_URI": f"{scheme}://me:{SECRET}@127.0.0.1:{port}/x"}
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "pipelines/prepare.py", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "Traceback" not in said
    assert "does not answer" in said and said.count("\n") == 1, said
    assert SECRET not in said
    assert not Path("out/smoke/prepared").exists()
    assert time.monotonic() - started < 30  # 5 s of patience, and Python's and MLflow's start on a busy machine


def test_without_any_address_a_stage_says_what_to_set(project: Path) -> None:
    with pytest.raises(ConfigError, match="MLFLOW_TRACKING_URI"), stage_run("prepare", composed()):
        pass


def test_a_database_needs_a_folder_for_artifacts(project: Path, monkeypatch) -> None:
    with pytest.raises(ConfigError, match="tracking.artifacts"):
        composed("tracking.uri=sqlite:///x.db")
    params = composed()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///x.db")
    with pytest.raises(ConfigError, match="tracking.artifacts"), stage_run("prepare", params):
        pass


@pytest.mark.parametrize("key", ["uri", "artifacts"])
def test_a_password_never_reaches_params_yaml(project: Path, key: str) -> None:
    with pytest.raises(ConfigError, match="holds a password") as refused:
        composed(f"tracking.{key}=https://me:{SECRET}@example.org/x")
    assert SECRET not in str(refused.value) and not Path("params.yaml").exists()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at postgresql+psycopg://me:p%40ss@host:5432/db.", "at postgresql+psycopg://me:***@host:5432/db."),
        ("s3://key:a:b@store and http://u:x@h", "s3://key:***@store and http://u:***@h"),
        ("http://host:5000/a@b", "http://host:5000/a@b"),
        ("http://host/x, ratio 1:2 @ noon", "http://host/x, ratio 1:2 @ noon"),
    ],
)
def test_only_passwords_of_addresses_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_logs_show_no_password_whoever_handles_them(caplog: pytest.LogCaptureFixture) -> None:
    factory, hook = logging.getLogRecordFactory(), sys.excepthook
    try:
        mask_logs()
        uri = f"http://me:{SECRET}@host"
        logging.getLogger("some.library").warning("can't reach %s, %s", uri, json.dumps({"uri": uri}))
        try:
            raise OSError(uri)
        except OSError:
            logging.getLogger("some.library").exception("it failed")
    finally:
        logging.setLogRecordFactory(factory)
        sys.excepthook = hook
    assert caplog.text.count("http://me:***@host") >= 3 and SECRET not in caplog.text
