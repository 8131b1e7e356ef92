"""The notebooks run on a finished study, and are kept without outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from gans.small_gans import tiny_hagan
from report.finished_study import GENERATOR, PROVENANCE, SPLIT, study_params, write_finished_study
from written_cohort import REPOSITORY

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study with its report."""
    from synthtrial.report.building import build

    folder = write_finished_study(tmp_path_factory.mktemp("out") / "made_up")
    train_hagan(folder)
    build(folder, study_params(), folder / "report", provenance=PROVENANCE)
    return folder


def train_hagan(study: Path) -> None:
    """Replace the study's generator by one that can be loaded, and has an encoder."""
    from synthtrial.cohorts.prepared import PreparedCohort
    from synthtrial.gans.training import train

    cohort = PreparedCohort(study / "prepared")
    train(
        tiny_hagan(train__images=4, train__batch_size=2),
        name=GENERATOR,
        cohort=cohort,
        split=SPLIT,
        case_ids=cohort.development,
        folder=study / "models" / GENERATOR / SPLIT,
        checkpoints=study / "checkpoints",
        trainer={"accelerator": "cpu", "devices": 1, "precision": "32-true"},
        seed=0,
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_a_finished_study(path: Path, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbclient import NotebookClient

    monkeypatch.setenv("SYNTHTRIAL_STUDY", str(study))
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
    pictures = [
        output for cell in notebook.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
    ]
    assert pictures


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs, f"{path.name} holds outputs: strip them before it is committed"
            assert cell.execution_count is None
