"""The report of a two-class study: scores by class, baselines, phases, the grid; no word of masks."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from report.finished_class_study import (
    CLASS_ARMS,
    EARLY,
    class_study_params,
    write_class_study,
)
from report.finished_study import GENERATOR, PROVENANCE
from synthtrial.classification.metrics import reliability, score
from synthtrial.errors import ConfigError
from synthtrial.report.baselines import baseline_warnings
from synthtrial.report.blocks import Banner, Table, Text, Words
from synthtrial.report.building import build, write_metrics
from synthtrial.report.class_figures import FEWEST, curve_figure
from synthtrial.report.class_frames import call_frame, ensemble_frame, score_interval
from synthtrial.report.reading import read_results
from synthtrial.report.results import Results
from synthtrial.report.sections import classes, cohort, dose_response, grid, paper, training, verdict
from synthtrial.report.side_by_side import side_by_side
from synthtrial.report.worth import read_learning_curve

TITLES = [
    "Verdict",
    "How many synthetic cases",
    "Scores per arm and class",
    "Fidelity",
    "Training and amount",
    "Is it a copy?",
    "Real beside synthetic",
    "Training",
    "Cohort",
    "How far to trust the verdict",
    "How to reproduce this",
]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study with its report."""
    folder = write_class_study(tmp_path_factory.mktemp("out") / "two_class")
    params = class_study_params()
    params["report"]["dpi"] = 40
    build(folder, params, folder / "report", provenance=PROVENANCE)
    return folder


@pytest.fixture(scope="module")
def results(study: Path) -> Results:
    return read_results(study, class_study_params(), PROVENANCE)


@pytest.fixture(scope="module")
def page(study: Path) -> str:
    return (study / "report/report.html").read_text(encoding="utf-8")


def tables(section) -> dict[str, Table]:
    return {block.name: block for block in section.blocks if isinstance(block, Table)}


def test_sections_are_those_of_classes(page: str) -> None:
    assert re.findall(r"<h2>.*</span> (.*)</h2>", page) == TITLES
    verdict = page[: page.index('<section id="dose_response"')]
    assert "Classifier cnn" in verdict and "Wilcoxon" not in verdict and "pseudo-value" in verdict
    of_the_study = page[: page.index('<section id="datasheet"')]
    assert "egmenter" not in of_the_study and "Dice" not in of_the_study


def test_validation_and_test_never_share_a_table(page: str, study: Path) -> None:
    found = re.findall(r'<figure class="table">.*?</figure>', page, flags=re.DOTALL)
    marks = [set(re.findall(r'<span class="cases (\w+)">', table)) for table in found]
    assert all(len(mark) <= 1 for mark in marks) and {"validation"} in marks and {"test"} in marks
    thresholds = pd.read_csv(study / "report/tables/thresholds_cnn.csv")
    assert list(thresholds) == ["arm", "threshold", "lowest", "highest"]


def test_the_verdict_is_on_classifiers_and_arms_that_were_trained(results: Results) -> None:
    assert results.contenders == ["cnn", "logistic"] and results.baselines == ["size_only"]
    models = results.verdict["models"]
    assert list(models["cnn"]["arms"]) == list(CLASS_ARMS) and list(models["size_only"]["arms"]) == ["real"]
    assert "focal_loss" not in models["logistic"]["arms"]


def test_scores_are_those_of_the_ensembles_and_baselines_stand_in_every_table(results: Results) -> None:
    frame = ensemble_frame(results, "logistic").set_index("arm")
    assert list(frame.index) == ["real", "real+dcgan_1", "real+dcgan_2", "class_weights", "size_only"]
    assert frame.loc["real", "auroc"] == pytest.approx(score(results.ensemble("logistic", "real"), "auroc"))
    assert frame.loc["size_only", "auprc"] == pytest.approx(score(results.ensemble("size_only", "real"), "auprc"))
    inside = (frame["recall/malignant_low"] <= frame["recall/malignant"]) & (frame["recall/malignant_high"] <= 1)
    assert inside.all()
    shown = tables(classes.section(results))
    for name in ("test_scores_cnn", "test_classes_logistic", "fold_models_cnn"):
        assert shown[name].rows[-1][0] == "size alone" and shown[name].cases == "test"


def test_intervals_are_wider_with_fewer_patients_and_missing_where_one_patient_is_a_class(results: Results) -> None:
    cases = results.ensemble("cnn", "real")
    whole = score_interval(cases, "auroc", 0.05)
    half = score_interval(cases.iloc[: len(cases) // 2], "auroc", 0.05)
    assert half.high - half.low > whole.high - whole.low > 0 and whole.low < whole.value < whole.high
    one = pd.concat([cases[cases["label"] == "benign"], cases[cases["label"] == "malignant"].head(1)])
    assert np.isnan(score_interval(one, "auroc", 0.05).low)


def test_what_was_called_what_adds_up_to_all_cases(results: Results) -> None:
    frame = call_frame(results, "cnn").set_index("arm")
    assert (frame.sum(axis=1) == len(results.cohort.test)).all()
    cases = results.ensemble("cnn", "real")
    missed = ((cases["label"] == "malignant") & (cases["predicted"] == "benign")).sum()
    assert frame.loc["real", "malignant_as_benign"] == missed


def test_a_baseline_as_good_as_the_classifiers_is_a_warning(results: Results) -> None:
    (banner,) = baseline_warnings(results)
    assert isinstance(banner, Banner) and banner.text.startswith("Size alone separates the classes as well as")
    scores = results.case_scores.copy()
    size = scores["model"] == "size_only"
    scores.loc[size, "probability"] = np.random.default_rng(0).uniform(size=size.sum())
    (text,) = baseline_warnings(replace(results, case_scores=scores))
    assert isinstance(text, Text) and "below the 95 % interval of every classifier" in text.text


def test_a_baseline_that_may_be_guessing_is_no_confounder_though_classifiers_are_poor(results: Results) -> None:
    scores = results.case_scores.copy()
    scores["probability"] = np.random.default_rng(0).uniform(size=len(scores))
    (text,) = baseline_warnings(replace(results, case_scores=scores))
    assert isinstance(text, Text) and "no more than guessing" in text.text


def test_models_without_steps_have_no_curves_and_arms_without_lines_no_name(results: Results) -> None:
    classic = pd.DataFrame(
        {
            "model": "logistic",
            "arm": "real",
            "fold": str(fold),
            "repeat": 0,
            "step": 0,
            "loss": 0.1,
            "validation_loss": 0.2,
        }
        for fold in range(3)
    )
    curves = pd.concat([results.curves[results.curves["arm"] != "focal_loss"], classic])
    some = replace(results, curves=curves)
    assert not training.model_pictures(some, "logistic") and not training.model_pictures(some, "size_only")
    (picture,) = training.model_pictures(some, "cnn")
    names = [text.get_text() for text in picture.content.legends[0].get_texts()]
    assert names == [arm for arm in CLASS_ARMS if arm != "focal_loss"]
    assert "only the validation loss, on real images for every arm, can be compared" in picture.caption


def test_several_classifiers_share_a_short_summary_and_say_which_arms_they_lack(results: Results) -> None:
    blocks = verdict.section(results).blocks
    (words,) = [block for block in blocks if isinstance(block, Words)]
    assert len(words.sentences) < 1 + sum(len(model["arms"]) for model in results.verdict["models"].values())
    texts = [block.text for block in blocks if isinstance(block, Text)]
    assert "Not here, since logistic can't be trained as it asks: focal_loss." in texts
    assert not any("since cnn" in text for text in texts)


def test_bins_of_few_cases_are_not_drawn(results: Results) -> None:
    panels = curve_figure(results, "cnn").axes
    bins = reliability(results.ensemble("cnn", "real"))
    assert (bins["cases"] < FEWEST).any()
    drawn = panels[2].lines[0].get_xdata()
    assert list(drawn) == list(bins.loc[bins["cases"] >= FEWEST, "probability"])


def test_phases_count_the_cases_that_were_added(results: Results) -> None:
    table = tables(dose_response.section(results))["phases_1"]
    assert [row[:3] for row in table.rows] == [
        ["0", "real", "0"],
        ["1", "real+dcgan_1", "16"],
        ["2", "real+dcgan_2", "32"],
    ]
    folds = results.fold_scores.query("model == 'logistic' and arm == 'real+dcgan_2'")
    expected = f"{folds['test_precision/malignant'].mean():.3f} / {folds['test_recall/malignant'].mean():.3f}"
    assert table.rows[2][-1] == expected


def test_the_grid_has_a_line_per_length_of_training(results: Results) -> None:
    table = tables(grid.section(results))[f"grid_{GENERATOR}_random_conv_frechet"]
    assert len(table.rows) == 4 and len(table.rows[0]) == 3 + 4
    early = table.frame.query("method == 'independent' and images == 1000").iloc[0]
    assert early["0.25"] == pytest.approx(40 - 5 - 1.25)
    same = [replace(one, fidelity=one.fidelity | {"images_seen": 1000}) for one in results.syntheses]
    assert not grid.section(replace(results, syntheses=same)).blocks
    assert {one.draw for one in results.syntheses} == {GENERATOR, EARLY}


def test_a_papers_classifier_stands_beside_ours(results: Results) -> None:
    columns = [
        {"title": "precision", "source": "test", "metric": "precision/malignant"},
        {"title": "recall", "source": "test", "metric": "recall/malignant", "fold": "ensemble"},
        {"title": "AUROC", "source": "folds", "metric": "auroc", "fold": 1},
    ]
    row = {"name": "CNN", "figures": [0.85, 0.8, None], "arm": "real", "classifier": "cnn"}
    reproduces = {"title": "E", "tables": [{"title": "T", "cases": "test", "columns": columns, "rows": [row]}]}
    beside = replace(results, params=results.params | {"reproduces": reproduces})
    cells = tables(paper.section(beside))["paper_1"].frame.iloc[0]
    folds = results.fold_scores.query("model == 'cnn' and arm == 'real'").set_index("fold")
    assert cells["ours_0"] == pytest.approx(folds["test_precision/malignant"].mean())
    assert cells["ours_1"] == pytest.approx(score(results.ensemble("cnn", "real"), "recall/malignant"))
    assert cells["ours_2"] == pytest.approx(folds.loc["1", "validation_auroc"])
    columns[0]["metric"] = "dice"
    with pytest.raises(ConfigError, match="no metric 'dice'; there are: auroc"):
        paper.section(beside)


def test_the_cohorts_classes_are_shown(results: Results) -> None:
    section = cohort.section(results)
    (banner,) = [block for block in section.blocks if isinstance(block, Banner)]
    assert banner.title == "PATIENTS UNKNOWN"
    assert banner in verdict.section(results).blocks, "who reads the verdict alone must see it, too"
    shown = tables(section)
    assert [row[:2] for row in shown["cohort_classes"].rows] == [["benign", "80"], ["malignant", "40"]]
    assert not any("mask" in row[0] for row in shown["cohort"].rows)
    (text,) = [block for block in section.blocks if isinstance(block, Text)]
    assert text.text.startswith("By picture size alone") and "0.810" in text.text and "in malignant" in text.text


def test_metrics_of_a_class_study_are_flat(study: Path) -> None:
    write_metrics(study / "report", study / "metrics.json")
    metrics = json.loads((study / "metrics.json").read_text())
    assert "auroc/logistic/real+dcgan_1/test" in metrics and "difference/cnn/focal_loss" in metrics


def test_two_class_studies_are_compared_patient_by_patient(study: Path, tmp_path: Path) -> None:
    other = shutil.copytree(study, tmp_path / "other")
    table = side_by_side(study, other)
    compared = table[(table["model"] == "cnn") & (table["arm"] != "real")]
    assert (compared["change"] == 0).all() and compared[["change_low", "change_high"]].eq(0).all(axis=None)


def test_a_learning_curve_of_classifiers_is_read_in_pseudo_values(study: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(study, tmp_path / "curve")
    params = class_study_params()
    params["learning_curve"] = {"shares": [0.25, 0.5], "arms": ["real"]}
    params["arms"] = dict(params["arms"])
    for share, source in ((25, "class_weights"), (50, "real+dcgan_1")):
        arm = f"real_at_{share}"
        params["arm_names"].append(arm)
        params["arms"][arm] = {"real": share / 100}
        for name in ("cnn", "logistic"):
            params["classify_places"][f"{arm}-{name}"] = {"arm": arm, "classifier": name}
            place = shutil.copytree(folder / "classify" / source / name, folder / "classify" / arm / name)
            folds = pd.read_csv(place / "folds.csv")
            folds.assign(arm=arm, train_real=48 * share // 100).to_csv(place / "folds.csv", index=False)
    results = read_results(folder, params, PROVENANCE)
    points = read_learning_curve(results, "cnn").points.set_index("arm")
    assert list(points["cases"]) == [12, 24, 48]
    models = results.fold_models("cnn", "real_at_25").groupby("fold")
    assert points.loc["real_at_25", "mean"] == pytest.approx(np.mean([score(rows, "auroc") for _, rows in models]))
