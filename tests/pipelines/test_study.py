"""A whole study at its smallest size, through the real DVC graph and a real MLflow database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_study import copy_project


def run(folder: Path, *words: str, code: int = 0) -> str:
    """Run a command in the study's folder, this interpreter first on the path; return what it printed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, env=os.environ | {"PATH": path})
    assert done.returncode == code, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def compose(folder: Path, *words: str) -> None:
    """Write params.yaml of the smallest study."""
    run(folder, "python", "pipelines/compose.py", "study=smoke", *words)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the smallest study has run once."""
    folder = tmp_path_factory.mktemp("project")
    copy_project(folder)
    run(folder, "dvc", "init", "--no-scm", "--quiet")
    compose(folder)
    run(folder, "dvc", "repro", "--quiet")
    return folder


def test_a_study_ends_in_a_verdict_and_a_report(finished: Path) -> None:
    report = finished / "out/smoke/report"
    verdict = json.loads((report / "verdict.json").read_text())
    arms = verdict["models"]["unet"]["arms"]
    assert set(arms) == {"real", "synthetic_dcgan", "real+synthetic_dcgan"}
    assert arms["real+synthetic_dcgan"]["verdict"] in ("helps", "harms", "no evidence")
    page = (report / "report.html").read_text()
    assert "no evidence" in page or "helps" in page or "harms" in page
    assert 'src="http' not in page and 'href="http' not in page


def test_runs_are_tracked_with_their_parent(finished: Path) -> None:
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{finished / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("smoke")
    runs = client.search_runs([experiment.experiment_id])
    stages = {run.data.tags.get("dvc.stage", "").split("-")[0] for run in runs}
    assert stages >= {"prepare", "train_gan", "synthesize", "fidelity", "assemble", "segment", "report"}
    parents = [run for run in runs if run.data.tags.get("synthtrial.kind") == "study"]
    assert len(parents) == 1
    fold_runs = [run for run in runs if "fold 0" in run.info.run_name]
    assert len(fold_runs) == 3


def test_a_second_run_does_nothing(finished: Path) -> None:
    assert "Running stage" not in run(finished, "dvc", "repro")


def test_a_generators_setting_reruns_its_chain_alone(finished: Path) -> None:
    compose(finished, "generators.dcgan.lr_g=0.0003")
    status = run(finished, "dvc", "status")
    changed = {line.split("@")[0] for line in status.splitlines() if "@" in line and not line.startswith(" ")}
    compose(finished)
    assert "train_gan" in changed
    assert "prepare" not in changed


def test_metrics_are_shown_by_dvc(finished: Path) -> None:
    assert "dice" in run(finished, "dvc", "metrics", "show")


def test_a_wrong_study_is_one_message(finished: Path) -> None:
    said = run(finished, "python", "pipelines/compose.py", "study=smok", code=1)
    assert "did you mean 'smoke'" in said and "Traceback" not in said


def test_synthesis_again_gives_the_same_bytes(finished: Path) -> None:
    images = finished / "out/smoke/synthetic/dcgan/development/images"
    before = {path.name: path.read_bytes() for path in images.iterdir()}
    run(finished, "python", "pipelines/synthesize.py", "dcgan")
    assert before == {path.name: path.read_bytes() for path in images.iterdir()}
