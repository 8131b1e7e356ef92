"""`make dashboard` shows a sweep's storage in a browser."""

from __future__ import annotations

import json
import shutil
import urllib.request
from functools import partial
from pathlib import Path

import optuna
import pytest

from servers import answers, free_port, running
from synthtrial.tuning.storage import open_storage

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not shutil.which("optuna-dashboard"), reason="optuna-dashboard is not installed")
@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
@pytest.mark.parametrize("kind", ["sqlite:///", "journal:"])
@pytest.mark.slow
def test_make_dashboard_shows_the_studies_of_a_storage(tmp_path: Path, kind: str) -> None:
    url = f"{kind}{tmp_path}/state"
    optuna.create_study(study_name="smoke/cheap/1", storage=open_storage(url)).add_trial(
        optuna.trial.create_trial(params={}, value=0.5)
    )
    port = free_port()
    page = f"http://127.0.0.1:{port}"

    # -o: the environment is the one that runs this test.
    command = ["make", "-o", ".venv/.ready", "dashboard", f"STORAGE={url}", f"PORT={port}"]
    with running(command, tmp_path / "log.txt", partial(answers, f"{page}/dashboard"), cwd=REPOSITORY):
        (study,) = json.load(urllib.request.urlopen(f"{page}/api/studies", timeout=20))["study_summaries"]
    assert study["study_name"] == "smoke/cheap/1"
