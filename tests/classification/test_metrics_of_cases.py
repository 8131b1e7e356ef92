"""Scores of a classifier: by scikit-learn, by hand, at their limits; what is refused; the curves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from judged_cases import by_scikit_learn, judged_cases, random_cases

from synthtrial.classification.metrics import (
    confusion,
    in_words,
    is_metric,
    larger_is_better,
    metric_names,
    precision_recall_curve,
    reliability,
    roc_curve,
    score,
    scores,
)
from synthtrial.errors import ConfigError

NAMES = metric_names(["benign", "malignant"])
LOSSES = {"brier", "log_loss", "calibration_error"}


def test_the_names():
    assert NAMES == [
        "auroc",
        "auprc",
        "balanced_accuracy",
        "accuracy",
        "brier",
        "log_loss",
        "calibration_error",
        "precision/benign",
        "precision/malignant",
        "recall/benign",
        "recall/malignant",
        "f1/benign",
        "f1/malignant",
    ]
    assert {name for name in NAMES if not larger_is_better(name)} == LOSSES
    assert in_words("auroc") == "AUROC" and in_words("recall/malignant") == "Recall of malignant"


@pytest.mark.parametrize("name", ["dice", "recall", "recall/", "auroc/malignant", "auroc/", ""])
def test_what_is_no_metric(name):
    assert not is_metric(name)
    for function in (in_words, larger_is_better, lambda metric: score(random_cases(), metric)):
        with pytest.raises(ValueError, match="no metric of a classifier; there are: auroc, .*recall/<class>"):
            function(name)


@pytest.mark.parametrize("decimals", [1, 6])
@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_scikit_learn(seed, decimals):
    cases = random_cases(seed, decimals=decimals)
    found = scores(cases)
    assert list(found) == NAMES and all(is_metric(name) for name in found)
    assert found == pytest.approx(by_scikit_learn(cases))
    assert {name: score(cases, name) for name in NAMES} == found


def test_by_hand():
    # Of 2 x 3 pairs, 0.8 wins three and 0.4 wins two.
    cases = judged_cases([1, 1, 0, 0, 0], [0.8, 0.4, 0.6, 0.1, 0.3])
    assert score(cases, "auroc") == pytest.approx(5 / 6)
    assert score(cases, "auprc") == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert score(cases, "precision/malignant") == score(cases, "recall/malignant") == 1 / 2
    assert score(cases, "recall/benign") == pytest.approx(2 / 3)
    assert score(cases, "balanced_accuracy") == pytest.approx((1 / 2 + 2 / 3) / 2)
    table = confusion(cases)
    assert table.to_numpy().tolist() == [[2, 1], [1, 1]]
    assert list(table.index) == list(table.columns) == ["benign", "malignant"]
    assert (table.index.name, table.columns.name) == ("label", "predicted")


def test_perfect_and_worst_calls():
    truth = np.array([1, 0, 1, 0])
    best, worst = scores(judged_cases(truth, truth)), scores(judged_cases(truth, 1 - truth))
    for name in NAMES:
        assert best[name] == pytest.approx(0 if name in LOSSES else 1)
        if name not in ("auprc", "log_loss"):
            assert worst[name] == pytest.approx(1 if name in LOSSES else 0)
    assert worst["log_loss"] == pytest.approx(36.04, abs=0.01)


def test_without_skill_auroc_and_balanced_accuracy_are_a_half_and_auprc_is_the_share():
    found = scores(judged_cases([1, 1, 0, 0, 0, 0, 0, 0], np.full(8, 0.7)))
    assert (found["auroc"], found["balanced_accuracy"], found["auprc"]) == (0.5, 0.5, 0.25)
    assert found["calibration_error"] == pytest.approx(0.7 - 0.25)


def test_turning_the_classes_round_turns_the_metrics_of_a_class_round():
    cases = random_cases(decimals=6)
    other = cases.assign(positive="benign", probability=1 - cases["probability"])
    there, back = scores(cases), scores(other)
    for name in set(NAMES) - {"auprc"}:
        assert back[name] == pytest.approx(there[name]), name
    assert there["auprc"] != pytest.approx(back["auprc"])


def test_a_class_that_is_never_predicted_has_precision_and_f1_zero():
    found = scores(judged_cases([1, 0, 0], [0.2, 0.1, 0.3]))
    assert found["precision/malignant"] == found["f1/malignant"] == found["recall/malignant"] == 0
    assert found["precision/benign"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("metric", ["auroc", "auprc", "balanced_accuracy", "recall/malignant"])
def test_without_a_case_of_the_class_it_is_undefined(metric):
    cases = judged_cases([0, 0, 0], [0.2, 0.7, 0.3])
    with pytest.raises(ConfigError, match=f"arm real, .*no case is malignant, so {metric} is undefined"):
        score(cases, metric)
    assert score(cases, "recall/benign") == pytest.approx(2 / 3) and score(cases, "f1/malignant") == 0
    assert score(cases, "accuracy") == pytest.approx(2 / 3)


def test_without_any_trace_of_the_other_class():
    cases = judged_cases([1, 1], [0.9, 0.8])
    assert score(cases, "recall/malignant") == 1 and score(cases, "precision/benign") == 0
    for function in (scores, confusion, roc_curve, precision_recall_curve):
        with pytest.raises(ConfigError, match="no case is|two classes"):
            function(cases)
    with pytest.raises(ConfigError, match="no case is benign"):
        score(cases, "recall/benign")


def test_bad_rows_are_refused():
    cases = random_cases()
    with pytest.raises(ValueError, match="a case comes twice"):
        score(pd.concat([cases, cases]), "auroc")
    with pytest.raises(ConfigError, match="there is no class 'tumour'; the classes are benign and malignant"):
        score(cases, "recall/tumour")
    with pytest.raises(ConfigError, match="no label or no prediction"):
        score(cases.assign(label=cases["label"].where(cases.index > 0)), "auroc")
    with pytest.raises(ConfigError, match="no case was judged"):
        score(cases[:0], "auroc")
    with pytest.raises(ConfigError, match="benign, odd, malignant, where two were expected"):
        score(cases.assign(label=cases["label"].where(cases.index > 0, "odd")), "auroc")
    for wrong in (np.nan, 1.5, -0.1):
        with pytest.raises(ConfigError, match="not between 0 and 1"):
            score(cases.assign(probability=cases["probability"].where(cases.index > 0, wrong)), "brier")


def test_classes_that_read_as_numbers():
    cases = random_cases()
    as_numbers = cases.replace({"benign": 0, "malignant": 1}).astype({"label": int, "positive": int, "predicted": int})
    assert score(as_numbers, "recall/1") == score(cases, "recall/malignant")


def test_the_area_under_the_curves_is_the_score():
    cases = random_cases()
    roc, steps = roc_curve(cases), precision_recall_curve(cases)
    assert np.trapezoid(roc["recall"], roc["false_positive_rate"]) == pytest.approx(score(cases, "auroc"))
    assert -np.sum(np.diff(steps["recall"]) * steps["precision"][:-1]) == pytest.approx(score(cases, "auprc"))
    assert (roc["threshold"].iloc[0], steps["threshold"].iloc[-1]) == (np.inf, np.inf)
    assert steps["recall"].iloc[0] == roc["recall"].iloc[-1] == 1


def test_a_point_of_the_curves_is_the_model_with_that_threshold():
    cases = random_cases()
    for row in precision_recall_curve(cases).itertuples():
        called = np.where(cases["probability"] >= row.threshold, "malignant", "benign")
        assert row.recall == pytest.approx(score(cases.assign(predicted=called), "recall/malignant"))


def test_the_reliability_bins_hold_all_cases_and_make_the_calibration_error():
    cases = random_cases(decimals=6)
    cases.loc[:2, "probability"] = (0.0, 1.0, 0.3)
    bins = reliability(cases)
    assert bins["cases"].sum() == len(cases)
    assert ((bins["low"] <= bins["probability"]) & (bins["probability"] <= bins["high"])).all()
    gaps = (bins["probability"] - bins["share"]).abs()
    assert np.average(gaps, weights=bins["cases"]) == pytest.approx(score(cases, "calibration_error"))


def test_probabilities_at_their_word_have_a_small_calibration_error():
    rng = np.random.default_rng(0)
    probability = rng.random(20000)
    truth = rng.random(20000) < probability
    honest, bold = judged_cases(truth, probability), judged_cases(truth, np.round(probability))
    assert score(honest, "calibration_error") < 0.02 < 0.2 < score(bold, "calibration_error")
    assert score(honest, "log_loss") < score(bold, "log_loss") and score(honest, "brier") < score(bold, "brier")
