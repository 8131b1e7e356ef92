"""A two-class study through the scripts of all stages, in this process, and what they refuse."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from small_study import copy_project, script

PLACES = {
    (arm, classifier)
    for arm in ("real", "real+synthetic", "real+memoriser", "class_weights", "oversampling", "focal_loss")
    for classifier in ("logistic", "cnn")
} - {("focal_loss", "logistic")} | {("real", "size_only")}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which the smallest two-class study has run."""
    project = tmp_path_factory.mktemp("project")
    copy_project(project)
    shutil.copy(Path(__file__).with_name("two_classes.yaml"), project / "conf/study")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        assert script("compose", "study=two_classes", "~fidelity.features.study_encoder") == 0
        assert script("prepare") == 0
        for generator in ("dcgan", "memoriser"):
            assert script("train_gan", generator) == 0
        for draw in ("dcgan", "early", "memoriser"):
            assert script("synthesize", draw) == 0
            assert script("fidelity", draw) == 0
        assert script("assemble") == 0
        for arm, classifier in sorted(PLACES):
            assert script("classify", arm, "--classifier", classifier) == 0, (arm, classifier)
        assert script("report") == 0
    return project


@pytest.fixture
def study(project: Path) -> Path:
    return project / "out/two_classes"


def test_compose_lists_every_arm_with_every_classifier_that_can_learn_from_it(project: Path) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text())
    assert {(place["arm"], place["classifier"]) for place in params["classify_places"].values()} == PLACES
    assert params["task"] == "classify" and params["segmenter_names"] == []
    assert params["depends_on"]["judged"] == "out/two_classes/classify"


def test_the_verdict_is_about_every_arm_of_every_classifier(study: Path) -> None:
    verdict = json.loads((study / "report/verdict.json").read_text())
    assert verdict["metric"] == "auroc" and verdict["larger_is_better"]
    assert {(arm, name) for name, block in verdict["models"].items() for arm in block["arms"]} >= PLACES - {
        ("real", "size_only")
    }


def test_drawn_cases_are_of_their_class_and_their_own_weights(study: Path) -> None:
    rows = pd.read_csv(study / "arms/real+synthetic.csv").query("source == 'synthetic'")
    assert set(rows["label"]) == {"malignant"}
    model = json.loads((study / "models/dcgan/development/model.json").read_text())
    assert set(rows["weights_sha256"]) == {model["weights_sha256"], model["snapshots"]["32"]}


def test_the_generator_has_seen_its_class_and_no_test_case(study: Path) -> None:
    model = json.loads((study / "models/dcgan/development/model.json").read_text())
    cases = pd.read_csv(study / "prepared/cases.csv").set_index("case_id")
    test = json.loads((study / "prepared/splits.json").read_text())["test"]
    assert set(cases.loc[model["seen_cases"], "label"]) == {"malignant"}
    assert not set(model["seen_cases"]) & set(test)


def test_the_page_shows_the_baseline_the_phases_and_the_grid(study: Path) -> None:
    page = (study / "report/report.html").read_text()
    for words in ("size alone", "Classifier cnn", "malignant"):
        assert words in page
    assert not list((study / "report/figures").glob("predictions*"))
    assert list((study / "report/figures").glob("confusion*"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["protocol.positive=null"], "protocol.positive is null: name the class"),
        (["protocol.metric=dice"], "protocol.metric: unknown 'dice'; there are: auroc"),
        (["generators.dcgan.classes=null"], "arms.real+synthetic takes cases of 'dcgan', but generator 'dcgan' does"),
        (["draws.early.snapshot=33"], "33"),
        (["+segmenters.unet=${classifiers.cnn}"], "segmenters and classifiers"),
        (["prepare.split_by=site", "prepare.test_fraction=0", "prepare.folds=3", "protocol.name=site_out"], "half"),
        (["+arms.real.balance=focal"], "classifiers.logistic can't be trained on the reference arm real"),
    ],
)
def test_what_can_not_be_is_refused_at_once(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, words: list[str], message: str
) -> None:
    monkeypatch.chdir(project)
    assert script("compose", "study=two_classes", *words) == 1
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_one_class_is_refused_when_the_cohort_is_prepared(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    copy_project(tmp_path)
    shutil.copy(project / "conf/study/two_classes.yaml", tmp_path / "conf/study")
    monkeypatch.chdir(tmp_path)
    assert script("compose", "study=two_classes", "cohort.malignant=0.0") == 0
    assert script("prepare") == 1
    assert "two classes" in capsys.readouterr().err
    assert not (tmp_path / "out/two_classes/prepared").exists()
