"""Runs in a real MLflow database: one parent per study, no secret in what is logged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from omegaconf import DictConfig

from synthtrial.composing import write_params
from synthtrial.params import stage_params
from synthtrial.tracking import stage_run

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DictConfig:
    """Parameters of the prepare stage in a working directory of the test's own."""
    shutil.copytree(REPOSITORY / "conf", tmp_path / "conf")
    shutil.copy(REPOSITORY / "dvc.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    write_params(["study=smoke", "tracking.system_metrics=false"], Path("conf"), Path("params.yaml"))
    return stage_params("prepare")


def test_stages_share_one_parent_and_keep_their_figures(params: DictConfig, tmp_path: Path) -> None:
    import mlflow

    for value in (0.25, 0.75):
        with stage_run("prepare", params) as run:
            run.log_metrics({"dice": value}, step=3)
            (tmp_path / "table.csv").write_text("a,b\n")
            run.log_artifact(tmp_path / "table.csv")
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("smoke").experiment_id])
    parents = [run for run in runs if run.data.tags.get("synthtrial.kind") == "study"]
    children = [run for run in runs if "dvc.stage" in run.data.tags]
    assert len(parents) == 1 and len(children) == 2
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parents[0].info.run_id}
    assert {run.data.metrics["dice"] for run in children} == {0.25, 0.75}
    assert {run.info.status for run in children} == {"FINISHED"}
    assert not any("tracking" in key for key in children[0].data.params)
    assert [file.path for file in client.list_artifacts(children[0].info.run_id)] == ["table.csv"]
    stage = json.loads(Path("out/smoke/stages/prepare.json").read_text())
    assert stage["peak_rss_mb"] > 10 and stage["versions"]["torch"] != "not installed"


def test_a_failed_stage_is_marked_and_leaves_no_stage_file(params: DictConfig, tmp_path: Path) -> None:
    import mlflow

    with pytest.raises(RuntimeError), stage_run("prepare", params):
        raise RuntimeError
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("smoke").experiment_id])
    assert [run.info.status for run in runs if "dvc.stage" in run.data.tags] == ["FAILED"]
    assert not Path("out/smoke/stages/prepare.json").exists()


def test_with_tracking_off_nothing_is_written_but_the_stage_file(tmp_path: Path, monkeypatch) -> None:
    shutil.copytree(REPOSITORY / "conf", tmp_path / "conf")
    shutil.copy(REPOSITORY / "dvc.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    write_params(["study=smoke", "tracking=off"], Path("conf"), Path("params.yaml"))
    with stage_run("prepare", stage_params("prepare")) as run:
        run.log_metrics({"dice": 0.5})
        assert run.lightning_logger() is False
    assert not Path("mlflow.db").exists()
    assert Path("out/smoke/stages/prepare.json").is_file()


def test_the_stage_file_says_how_long_training_took(params: DictConfig) -> None:
    with stage_run("prepare", params) as run:
        run.count_training(10.0, 12.0)
        run.count_training(11.0, 12.5)  # side by side with the first
        run.count_memory(10.0**6)
    stage = json.loads(Path("out/smoke/stages/prepare.json").read_text())
    assert stage["training_s"] == 2.5 and stage["peak_rss_mb"] == 10**6


def test_a_run_below_a_stage_keeps_curves_of_its_own(params: DictConfig, tmp_path: Path) -> None:
    import mlflow

    with stage_run("prepare", params) as run:
        child = run.child("unet on real+x, fold 0")
        child.log_metrics({"loss": 0.5}, step=1)
        child.finish()
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    kept = client.get_run(child.run_id)
    assert kept.data.tags["mlflow.parentRunId"] == run.run_id and kept.info.status == "FINISHED"
    assert kept.data.metrics == {"loss": 0.5} and client.get_run(run.run_id).data.metrics == {}
