"""What a sweep leaves in a real MLflow on SQLite, also when it was killed."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from cheap import start_tune, tune, write_project

CHANGES = (
    ("lr_g: {values: [1.0e-4, 2.0e-4, 3.0e-4]}", "lr_g: {values: [1.0e-4, 2.0e-4]}"),
    ("lr_d: {values: [2.0e-4, 3.0e-4, 4.0e-4]}", "lr_d: {values: [3.0e-4]}"),
    ("latent: {values: [8, 16, 32]}", "latent: {values: [8, 16]}"),
    ("objective_of_test.bowl", "objective_of_test.bowl_without_8"),
    ("seconds: 0.3", "seconds: 3.0"),
    ("retries: 5", "retries: 0"),
)


@pytest.mark.slow
def test_every_trial_is_a_run_below_the_sweeps_one(tmp_path: Path) -> None:
    import mlflow

    write_project(tmp_path, None, *CHANGES)
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")

    def runs(wanted: str) -> list:
        experiment = client.get_experiment_by_name("smoke")
        return (
            client.search_runs([experiment.experiment_id], f"tags.`synthtrial.kind` = '{wanted}'") if experiment else []
        )

    with start_tune(tmp_path, "cheap", "study=smoke") as leader:
        deadline = time.monotonic() + 300
        while not (tmp_path / "mlflow.db").is_file() or not runs("trial"):
            assert time.monotonic() < deadline and leader.poll() is None
            time.sleep(0.3)
        leader.send_signal(signal.SIGKILL)
        leader.communicate()
    assert runs("sweep")[0].info.status == "RUNNING"
    code, _, problems = tune(tmp_path, "cheap", "study=smoke")
    assert code == 1 and "2 of 4 points failed after 1 tries each: 1, 3" in problems
    (sweep,), trials = runs("sweep"), runs("trial")
    assert {run.data.tags["mlflow.parentRunId"] for run in trials} == {sweep.info.run_id}
    states = [run.info.status for run in trials]
    assert sorted(states) == ["FAILED", "FAILED", "FINISHED", "FINISHED", "KILLED"]
    by_point = {run.data.tags["synthtrial.point"]: run for run in trials if run.info.status == "FINISHED"}
    assert set(by_point) == {"2", "4"}
    params = {"generators.dcgan.lr_g": "0.0002", "generators.dcgan.lr_d": "0.0003", "generators.dcgan.latent": "16"}
    assert by_point["4"].data.params == params
    assert by_point["2"].data.metrics["bowl"] == pytest.approx(1.0) and by_point["2"].data.metrics["latent"] == 16
    assert sweep.info.status == "FAILED" and sweep.data.tags["synthtrial.best_point"] == "4"
    assert sweep.data.tags["synthtrial.best_point.generators.dcgan.lr_g"] == "0.0002"
    assert sweep.data.metrics == {"bowl": by_point["4"].data.metrics["bowl"]}
    assert {file.path for file in client.list_artifacts(sweep.info.run_id)} == {"table.csv", "slices.png"}
    # A worker that dies between its result and the end of its run leaves the run open: the next command closes it.
    client.update_run(by_point["2"].info.run_id, status="RUNNING")
    assert tune(tmp_path, "cheap", "study=smoke")[0] == 1
    assert client.get_run(by_point["2"].info.run_id).info.status == "FINISHED"
    assert len(runs("trial")) == 5 and len(runs("sweep")) == 1
