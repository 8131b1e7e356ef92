"""All three controls in one study, through the scripts of the stages up to the arms, in this process."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from small_study import copy_project, script

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.report.blocks import Picture, Text
from synthtrial.report.reading import read_synthesis
from synthtrial.report.sections.copies import copy_frame
from synthtrial.report.sections.training import generator_blocks
from synthtrial.report.tables import generator_loss_frame, loss_frame

CONTROLS = ("oracle", "memoriser", "noise")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`out/controls/` after prepare, train_gan, synthesize, fidelity and assemble."""
    project = tmp_path_factory.mktemp("project")
    copy_project(project)
    shutil.copy(Path(__file__).with_name("controls.yaml"), project / "conf/study")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        assert script("compose", "study=controls", "~fidelity.features.study_encoder") == 0
        assert script("prepare") == 0
        for stage in ("train_gan", "synthesize", "fidelity"):
            for name in CONTROLS:
                assert script(stage, name) == 0, (stage, name)
        assert script("assemble") == 0
    return project / "out/controls"


def fidelity(study: Path, name: str) -> dict:
    return json.loads((study / "fidelity" / name / "development" / "fidelity.json").read_text())


def flagged(study: Path, name: str) -> float:
    """Share of the cases that the audit calls copies by their pixels."""
    found = fidelity(study, name)
    return len(found["audit"]["spaces"]["pixels"]["flagged"]) / found["n_synthetic"]


@pytest.mark.parametrize("name", CONTROLS)
def test_every_control_fills_its_arm(study: Path, name: str) -> None:
    rows = pd.read_csv(study / "arms" / f"real+{name}.csv")
    assert set(rows["fold"]) == {0, 1, 2}
    drawn = rows[rows["source"] == "synthetic"]
    assert set(drawn["generator"]) == {name}
    assert (drawn.groupby("fold").size() == rows[rows["source"] == "real"].groupby("fold").size()).all()
    model = json.loads((study / "models" / name / "development" / "model.json").read_text())
    assert set(drawn["weights_sha256"]) == {model["weights_sha256"]}
    assert sorted(model["seen_cases"]) == sorted(PreparedCohort(study / "prepared").development)


def test_the_audit_catches_the_memoriser_and_no_other(study: Path) -> None:
    assert flagged(study, "memoriser") >= 0.95
    assert flagged(study, "oracle") <= 0.1
    assert flagged(study, "noise") == 0


def test_the_report_calls_the_memorisers_cases_suspicious(study: Path) -> None:
    results = SimpleNamespace(syntheses=[read_synthesis(study, name, name, "development") for name in CONTROLS])
    rows = copy_frame(results).query("space == 'pixels'").set_index("generator")  # type: ignore[arg-type]
    assert rows.at["memoriser", "suspicious"] >= 0.95 * rows.at["memoriser", "checked"]
    assert not rows.at["memoriser", "looked"]
    assert rows.at["noise", "suspicious"] == 0


@pytest.mark.parametrize("name", CONTROLS)
def test_the_report_says_that_nothing_is_trained(study: Path, name: str) -> None:
    synthesis = read_synthesis(study, name, name, "development")
    results = SimpleNamespace(trainings=[synthesis])
    assert loss_frame(results).empty and generator_loss_frame(results).empty  # type: ignore[arg-type]
    blocks = generator_blocks(results, synthesis)  # type: ignore[arg-type]
    said = " ".join(block.text for block in blocks if isinstance(block, Text))
    assert "A control: nothing is trained" in said and "24 real cases" in said
    assert [block.name for block in blocks if isinstance(block, Picture)] == [f"training_samples_{name}_development"]


def test_the_oracle_is_close_to_the_real_cases_and_noise_is_far(study: Path) -> None:
    metric = "frechet/random_conv_n12"
    distance = {name: fidelity(study, name)["metrics"][metric] for name in CONTROLS}
    assert distance["oracle"] < 2 * fidelity(study, "oracle")["floor"][metric]
    assert distance["noise"] > 5 * distance["oracle"]
