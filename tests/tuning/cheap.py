"""A sweep of 27 points whose objective is a function, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
TUNE = REPOSITORY / "pipelines" / "tune.py"
SWEEP = """# A cheap sweep for tests.
space:
  generators.dcgan.lr_g: {values: [1.0e-4, 2.0e-4, 3.0e-4]}
  generators.dcgan.lr_d: {values: [2.0e-4, 3.0e-4, 4.0e-4]}
  generators.dcgan.latent: {values: [8, 16, 32]}
sampler: {kind: grid}
retries: 5
objectives: [{metric: bowl, direction: minimize}]
stages: []
objective: {_target_: objective_of_test.bowl, log: LOG, seconds: 0.3}
storage: null
"""


def environment() -> dict[str, str]:
    """Of a process that runs this tree, with one thread."""
    return os.environ | {"PYTHONPATH": str(REPOSITORY / "src"), "OMP_NUM_THREADS": "1"}


def start_tune(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start the whole command in a folder."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, str(TUNE), *words], cwd=folder, env=environment(), text=True, **streams)


def tune(folder: Path, *words: str, seconds: float = 500) -> tuple[int, str, str]:
    """Run the whole command in a folder; return its exit code and what it said on stdout and on stderr."""
    with start_tune(folder, *words) as process:
        try:
            said, problems = process.communicate(timeout=seconds)
        finally:
            process.kill()
    return process.returncode, said, problems


def write_project(folder: Path, log: Path | None = None, *changes: tuple[str, str]) -> None:
    """Copy conf/ and write the sweep `cheap`, whose every evaluation leaves a line in a log, `calls.log` if not said.

    `changes` are texts of the sweep and what stands in their place.
    """
    shutil.copytree(REPOSITORY / "conf", folder / "conf")
    shutil.copy(REPOSITORY / "dvc.yaml", folder / "dvc.yaml")
    text = SWEEP.replace("LOG", str(log or folder / "calls.log"))
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "conf/sweep/cheap.yaml").write_text(text, encoding="utf-8")
    shutil.copy(Path(__file__).with_name("cheap.py"), folder / "objective_of_test.py")


def bowl(params: dict[str, Any], log: str, seconds: float) -> dict[str, float]:
    """Squared distance from lr_g 2e-4, lr_d 3e-4 and latent 16; writes when it began and ended, s."""
    own = params["generators"]["dcgan"]
    point = f"{own['lr_g']} {own['lr_d']} {own['latent']}"
    began = time.time()
    time.sleep(seconds)
    with Path(log).open("a", encoding="utf-8") as calls:
        calls.write(f"{point} {began} {time.time()}\n")
    distance = (own["lr_g"] * 1e4 - 2) ** 2 + (own["lr_d"] * 1e4 - 3) ** 2 + (own["latent"] / 16 - 1) ** 2
    return {"bowl": distance, "latent": own["latent"]}


def bowl_without_8(params: dict[str, Any], log: str, seconds: float) -> dict[str, float]:
    """The same, but it fails where latent is 8."""
    measured = bowl(params, log, seconds)
    if params["generators"]["dcgan"]["latent"] == 8:
        raise ValueError("eight is too few")
    return measured
