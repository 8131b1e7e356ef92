"""The walls of the house: which package may import which, and what starts quickly."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCE = REPOSITORY / "src" / "synthtrial"
CONFIGURATIONS = sorted((REPOSITORY / "conf").rglob("*.yaml"))
GROUND = {
    "errors",
    "atomic",
    "setting_types",
    "study_keys",
    "params",
    "tracking",
    "tracking_server",
    "secrets",
    "stage_clock",
    "study_folder",
    "command_line",
    "hardware",
    "processes",
    "speed",
    "device_loader",
    "holm",
    "hashing",
    "code_hash",
    "unfinished",
    "tasks",
}
BELOW_TRIAL = {"cohorts", "gans", "fidelity", "synthesis", "supervised", "segmentation", "classification"}
MAY_IMPORT = {
    "cohorts": GROUND,
    "gans": GROUND | {"cohorts"},
    "fidelity": GROUND | {"cohorts", "gans"},
    "synthesis": GROUND | {"cohorts", "gans", "fidelity"},
    "supervised": GROUND | {"cohorts"},
    "classification": GROUND | {"cohorts", "gans", "fidelity", "supervised"},
    "segmentation": GROUND | {"cohorts", "supervised"},
    "launching": GROUND,
    "trial": GROUND | BELOW_TRIAL | {"launching"},
    "calibration": GROUND | BELOW_TRIAL | {"trial"},
    "costing": GROUND | BELOW_TRIAL | {"trial"},
    "report": GROUND | BELOW_TRIAL | {"trial", "calibration"},
    "tuning": GROUND | {"composing", "fidelity", "launching", "stage_clock"},
}


def imported_parts(file: Path) -> set[str]:
    """Names of synthtrial's own packages and modules that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("synthtrial."):
            names.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            names |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("synthtrial.")}
    return names


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_run_one_way(package: str) -> None:
    for file in (SOURCE / package).rglob("*.py"):
        foreign = imported_parts(file) - {package} - MAY_IMPORT[package]
        assert not foreign, f"{file.relative_to(SOURCE)} may not import {foreign}"


def test_the_ground_floor_stands_on_itself() -> None:
    for name in GROUND:
        assert imported_parts(SOURCE / f"{name}.py") <= GROUND


def test_every_package_is_known_to_this_test() -> None:
    packages = {folder.name for folder in SOURCE.iterdir() if (folder / "__init__.py").is_file()}
    assert packages == set(MAY_IMPORT)


@pytest.mark.parametrize("script", sorted((REPOSITORY / "pipelines").glob("*.py")), ids=lambda path: path.name)
def test_help_is_answered_without_heavy_imports(script: Path) -> None:
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['{script.name}', '--help']\n"
        "try:\n"
        f"    runpy.run_path({str(script)!r}, run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    heavy = {'torch', 'pytorch_lightning', 'monai', 'mlflow', 'hydra', 'pandas'} & set(sys.modules)\n"
        "    sys.exit(f'imports {heavy}' if heavy else end.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout


@pytest.mark.parametrize(
    "file", sorted((REPOSITORY / "conf").rglob("*.yaml")), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_every_configuration_file_says_what_it_is(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.startswith("#"), f"{file} should open with a comment that says what it is for"
    assert isinstance(yaml.safe_load(text), dict)
