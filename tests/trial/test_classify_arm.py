"""Running an arm of classifiers: its tables, its thresholds, its resume, and the guard on the way in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from assembled import assemble_all

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.errors import CohortError, ConfigError, LeakError
from synthtrial.trial.arm import Arm
from synthtrial.trial.classifying.class_model import patients_of, train_model, weights_of
from synthtrial.trial.classifying.classify_arm import classify_arm
from synthtrial.trial.protocol import protocol_of
from synthtrial.trial.running.arm_plan import ArmPlan, Place
from synthtrial.trial.running.planning import plan_arm
from synthtrial.trial.verdict import verdict

CPU = {"accelerator": "cpu", "devices": 1, "precision": "auto", "threads": 1, "fold_workers": 1}
LOGISTIC = {
    "arms": "all",
    "model": {"_target_": "sklearn.linear_model.LogisticRegression", "max_iter": 200},
    "features": "pixels",
    "scale": "none",
    "tune": None,
}
JUDGED = {"positive": "malignant", "threshold": "youden"}
CASES = ["arm", "classifier", "fold", "repeat", "case_id", "patient_id", "site", "label", "positive"]
REAL = Arm("real")


@pytest.fixture
def cohort(make_cohort: Callable[..., PreparedCohort]) -> PreparedCohort:
    """36 pictures, of whom 9 are for the test; malignant ones are brighter."""
    cohort = make_cohort(shape=(16, 16), n_cases=36, classes=("benign", "benign", "malignant"))
    for row in cohort.cases.to_dict("records"):
        image = np.load(cohort.folder / row["image"])
        np.save(cohort.folder / row["image"], image + np.int16(6000 * (row["label"] == "malignant")))
    splits = cohort.splits
    ids = list(cohort.cases.index)
    splits["test"], splits["folds"] = ids[:9], [ids[9 + 9 * k : 18 + 9 * k] for k in range(3)]
    (cohort.folder / "splits.json").write_text(json.dumps(splits))
    return PreparedCohort(cohort.folder)


def plan_of(
    folder: Path,
    cohort: PreparedCohort,
    arm: Arm,
    settings: Any = LOGISTIC,
    protocol: str = "holdout",
    repeats: int = 1,
    **trainer: Any,
) -> ArmPlan:
    return plan_arm(
        folder / "arms" / f"{arm.name}.csv",
        cohort,
        arm=arm,
        settings=settings,
        trainer=CPU | trainer,
        seed=0,
        checkpoints=folder / "checkpoints",
        protocol=protocol_of(protocol),
        repeats=repeats,
    )


def classified(folder: Path, cohort: PreparedCohort, arm: Arm = REAL, **words: Any) -> Path:
    to = folder / "classify" / arm.name / "logistic"
    judged = {key: words.pop(key, usual) for key, usual in JUDGED.items()}
    classify_arm(plan_of(folder, cohort, arm, **words), classifier="logistic", folder=to, **judged)
    return to


def test_every_model_says_its_probability_of_every_test_case(tmp_path, cohort):
    assemble_all(tmp_path, cohort, [REAL], by_class=True)
    folder = classified(tmp_path, cohort)
    cases = pd.read_csv(folder / "cases.csv")
    assert list(cases.columns) == [*CASES, "probability", "threshold", "predicted"]
    assert cases.groupby("fold").size().to_dict() == {"0": 9, "1": 9, "2": 9, "ensemble": 9}
    assert set(cases["case_id"]) == set(cohort.test) and cases["probability"].between(0, 1).all()
    models = cases[cases["fold"] != "ensemble"].groupby("case_id")["probability"].mean()
    ensemble = cases[cases["fold"] == "ensemble"].set_index("case_id")["probability"]
    pd.testing.assert_series_equal(models.sort_index(), ensemble.sort_index(), check_names=False)
    assert ((cases["probability"] >= cases["threshold"]) == (cases["predicted"] == "malignant")).all()
    folds = pd.read_csv(folder / "folds.csv")
    assert (
        (folds["test_auroc"] > 0.9).all() and (folds["train_real"] == 18).all() and (folds["train_positive"] == 6).all()
    )


def test_thresholds_come_from_validation_cases_alone(tmp_path, cohort):
    assemble_all(tmp_path, cohort, [REAL], by_class=True)
    first = pd.read_csv(classified(tmp_path, cohort) / "cases.csv")
    validation = pd.read_csv(tmp_path / "classify" / "real" / "logistic" / "validation.csv")
    assert {fold: set(rows["case_id"]) for fold, rows in validation.groupby("fold")} == {
        fold: set(ids) for fold, ids in enumerate(cohort.folds)
    }
    for case_id in cohort.test:  # other test images, the same thresholds
        path = cohort.folder / cohort.cases.at[case_id, "image"]
        np.save(path, np.zeros_like(np.load(path)))
    second = pd.read_csv(classified(tmp_path, PreparedCohort(cohort.folder)) / "cases.csv")
    assert (first["threshold"] == second["threshold"]).all()


def test_half_is_half(tmp_path, cohort):
    assemble_all(tmp_path, cohort, [REAL], by_class=True)
    assert set(pd.read_csv(classified(tmp_path, cohort, threshold="half") / "cases.csv")["threshold"]) == {0.5}


def test_what_is_finished_is_not_trained_again_and_processes_change_nothing(tmp_path, cohort):
    assemble_all(tmp_path, cohort, [REAL], by_class=True)
    folder = classified(tmp_path, cohort, repeats=2)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "checkpoints").rglob("*") if path.is_file()}
    folder = classified(tmp_path, cohort, repeats=2)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
    assert kept == {path: path.stat().st_mtime_ns for path in (tmp_path / "checkpoints").rglob("*") if path.is_file()}
    aside = tmp_path / "aside"
    (tmp_path / "checkpoints").rename(aside)
    folder = classified(tmp_path, cohort, repeats=2, fold_workers=2)
    assert (folder / "cases.csv").read_bytes() == first["cases.csv"]


def test_the_verdict_is_about_any_metric(tmp_path, cohort, make_synthetic):
    drawn = make_synthetic(cohort, label="malignant", n_accepted=20)
    arms = [REAL, Arm("mixed", synthetic={"hagan": 1.0}, of="malignant")]
    assemble_all(tmp_path, cohort, arms, drawn, by_class=True)
    cases = pd.concat([pd.read_csv(classified(tmp_path, cohort, arm) / "cases.csv") for arm in arms])
    for metric in ("auroc", "recall/malignant", "brier"):
        entries = verdict(cases, metric=metric)["models"]["logistic"]["arms"]
        assert entries["mixed"]["n_patients"] == 9 and entries["mixed"]["n_models"] == 3
        assert entries["mixed"]["verdict"] in ("helps", "harms", "no evidence")


def test_a_planted_test_case_is_refused_wherever_it_hides(tmp_path, cohort, make_synthetic):
    arms = [REAL, Arm("mixed", synthetic={"hagan": 1.0}, of="malignant")]
    seen = [*cohort.development, cohort.test[2]]
    with pytest.raises(LeakError, match=cohort.test[2]):
        assemble_all(tmp_path, cohort, arms, make_synthetic(cohort, label="malignant", seen=seen), by_class=True)
    assemble_all(tmp_path, cohort, [REAL], by_class=True)
    path = tmp_path / "arms" / "real.csv"
    table = pd.read_csv(path)
    table.loc[0, "case_id"] = cohort.test[2]
    table.to_csv(path, index=False)
    with pytest.raises(LeakError, match=cohort.test[2]):
        classified(tmp_path, cohort)


def test_one_class_only_is_refused(tmp_path, make_cohort):
    cohort = make_cohort(shape=(16, 16), classes=("benign",))
    assemble_all(tmp_path, cohort, [REAL])
    with pytest.raises(CohortError, match="two classes"):
        classified(tmp_path, cohort)


def test_an_unknown_positive_class_is_refused(tmp_path, cohort):
    assemble_all(tmp_path, cohort, [REAL])
    with pytest.raises(ConfigError, match=r"protocol\.positive"):
        classified(tmp_path, cohort, positive="cancer")


def probabilities(folder: Path) -> pd.Series:
    """The ensemble's probability of each test case."""
    cases = pd.read_csv(folder / "cases.csv")
    return cases[cases["fold"] == "ensemble"].set_index("case_id")["probability"]


def test_the_other_class_as_the_positive_one_is_another_model(tmp_path, cohort):
    assemble_all(tmp_path, cohort, [REAL], by_class=True)
    malignant, benign = (probabilities(classified(tmp_path, cohort, positive=name)) for name in ("malignant", "benign"))
    np.testing.assert_allclose(malignant, 1 - benign, atol=1e-3)


def test_changed_test_images_are_judged_anew_by_the_same_models(tmp_path, cohort):
    assemble_all(tmp_path, cohort, [REAL], by_class=True)
    before = probabilities(classified(tmp_path, cohort))
    models = {path: path.stat().st_mtime_ns for path in (tmp_path / "checkpoints").rglob("model/*")}
    path = cohort.folder / cohort.cases.at[cohort.test[0], "image"]
    np.save(path, -np.load(path))
    after = probabilities(classified(tmp_path, PreparedCohort(cohort.folder)))
    assert list(after.index[after != before]) == [cohort.test[0]]
    assert models and models == {path: path.stat().st_mtime_ns for path in (tmp_path / "checkpoints").rglob("model/*")}


def test_a_translation_belongs_to_the_patient_of_its_source(tmp_path, cohort, make_synthetic):
    drawn = make_synthetic(cohort, label="malignant", n_accepted=12)
    manifest = drawn.manifest.assign(
        source_case=lambda table: ["", "mask.nii", *cohort.folds[1], *cohort.folds[2]][:14]
    )
    manifest.to_csv(drawn.folder / "manifest.csv", index=False)
    arm = Arm("mixed", synthetic={"hagan": 0.5})
    rows = assemble_all(tmp_path, cohort, [arm], SyntheticCohort(drawn.folder), by_class=True)["mixed"]
    plan = plan_of(tmp_path, cohort, arm)
    patients = patients_of(rows, plan)
    assert list(patients.index) == list(rows.index)
    for row, patient in zip(rows.itertuples(), patients, strict=True):
        source = manifest.at[row.case_id, "source_case"] if row.source == "synthetic" else row.case_id
        assert patient == cohort.cases.at[source, "patient_id"]


def test_a_left_out_site_is_judged_at_one_half_alone(tmp_path, cohort):
    """Under site_out a model is judged on the very cases that it left out: to choose a threshold there would leak."""
    splits = cohort.splits | {"test": [], "folds": [list(cohort.cases.index[9 * k : 9 * k + 9]) for k in range(4)]}
    (cohort.folder / "splits.json").write_text(json.dumps(splits))
    cohort = PreparedCohort(cohort.folder)
    tables = []
    for arm in (REAL, Arm("weighted", balance="class_weights")):
        assemble_all(tmp_path, cohort, [arm], protocol="site_out", by_class=True)
        with pytest.raises(ConfigError, match=r"protocol\.threshold is youden, but under site_out .* set it to half"):
            classified(tmp_path, cohort, arm, protocol="site_out")
        folder = classified(tmp_path, cohort, arm, protocol="site_out", threshold="half")
        tables.append(pd.read_csv(folder / "cases.csv"))
    own = tables[0][tables[0]["fold"] != "ensemble"]
    assert {int(fold): list(rows["case_id"]) for fold, rows in own.groupby("fold")} == dict(enumerate(splits["folds"]))
    entry = verdict(pd.concat(tables), metric="auroc", protocol="site_out")["models"]["logistic"]["arms"]["weighted"]
    assert entry["n_models"] == 4 and entry["n_patients"] == 36


def test_an_arm_of_other_classes_is_assembled_again(tmp_path, cohort, make_synthetic):
    drawn = make_synthetic(cohort, label="malignant")
    arm = Arm("mixed", synthetic={"hagan": 0.25})
    assemble_all(tmp_path, cohort, [REAL, arm], drawn, by_class=True)
    table = pd.read_csv(tmp_path / "arms" / "mixed.csv", keep_default_na=False)
    table.loc[table["source"] == "synthetic", "label"] = "cancer"
    table.to_csv(tmp_path / "arms" / "mixed.csv", index=False)
    with pytest.raises(CohortError, match="arm 'mixed' has cases of the class 'cancer'.*: assemble again"):
        classified(tmp_path, cohort, arm)
    cases = pd.read_csv(cohort.folder / "cases.csv")
    cases["label"] = cases["label"].map({"benign": "malignant", "malignant": "benign"})
    cases.to_csv(cohort.folder / "cases.csv", index=False)
    with pytest.raises(
        CohortError, match="arm 'real' trains on 'case18' as 'benign'.* has it as 'malignant': assemble"
    ):
        classified(tmp_path, PreparedCohort(cohort.folder))


def test_a_model_that_was_trained_before_the_kill_counts_no_time_again(tmp_path, cohort):
    assemble_all(tmp_path, cohort, [REAL], by_class=True)
    plan, classes, place = plan_of(tmp_path, cohort, REAL), ("benign", "malignant"), Place(0)
    first = train_model(plan, classes, place, lambda *_: None)
    (said,) = (tmp_path / "checkpoints").rglob("said-*")
    shutil.rmtree(said)  # killed between the training and the judging
    second, third = (train_model(plan, classes, place, lambda *_: None) for _ in range(2))
    assert first.trained is not None and (second.trained, third.trained) == (None, None)
    for record in (second, third):
        pd.testing.assert_frame_equal(record.judged, first.judged, check_exact=True)


def test_other_weights_in_the_file_are_another_model(tmp_path):
    path = tmp_path / "body.safetensors"
    named = [{"pretrained": {"weights": str(path)}}, {"features": {"_target_": "x", "weights": str(path)}}]
    keys = []
    for content in (b"one", b"two"):
        path.write_bytes(content)
        keys.append([weights_of(settings) for settings in named])
    assert keys[0] != keys[1] and all(keys[0][0]) and keys[0][0] == keys[0][1]
    assert weights_of({"pretrained": None}) == weights_of(LOGISTIC) == []
