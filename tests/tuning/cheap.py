"""A sweep of 27 points whose objective is a function, in a folder of its own."""

from __future__ import annotations

import os
import shutil
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
objective: {_target_: objective_of_test.bowl, log: LOG, seconds: 1.5}
storage: null
"""


def environment() -> dict[str, str]:
    """Of a process that runs this tree, with one thread."""
    return os.environ | {"PYTHONPATH": str(REPOSITORY / "src"), "OMP_NUM_THREADS": "1"}


def write_project(folder: Path) -> None:
    """Copy conf/ and write the sweep `cheap`, whose every evaluation leaves a line in `calls.log`."""
    shutil.copytree(REPOSITORY / "conf", folder / "conf")
    shutil.copy(REPOSITORY / "dvc.yaml", folder / "dvc.yaml")
    text = SWEEP.replace("LOG", str(folder / "calls.log"))
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
    return {"bowl": distance}
