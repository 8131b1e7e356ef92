"""The notebooks run on a finished study, and are kept without outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from conftest import REPOSITORY
from report.finished_study import PROVENANCE, study_params, write_finished_study

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study with its report."""
    from synthtrial.report.building import build

    folder = write_finished_study(tmp_path_factory.mktemp("out") / "made_up")
    build(folder, study_params(), folder / "report", provenance=PROVENANCE)
    return folder


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
