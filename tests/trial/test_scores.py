"""Scores of patients: of segmented cases their mean, of classified ones pseudo-values; and the verdict on these."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from synthtrial.classification.metrics import score
from synthtrial.errors import ConfigError
from synthtrial.trial.metric_words import check_class, in_words, larger_is_better, task_of
from synthtrial.trial.scores import ensemble_scores, fold_scores, scored, with_model
from synthtrial.trial.verdict import verdict
from synthtrial.trial.words import in_words as verdict_in_words


def classified(
    separation: dict[str, float], folds: int = 3, repeats: int = 1, patients: int = 40, seed: int = 0
) -> pd.DataFrame:
    """`cases.csv` of a classifier: each patient is as hard for every arm; the malignant ones have two cases."""
    rng = np.random.default_rng(seed)
    positive = np.arange(patients) % 2 == 1
    hard = rng.normal(0, 0.8, patients)
    rows = []
    for arm, effect in separation.items():
        models = [(str(fold), repeat) for fold in range(folds) for repeat in range(repeats)]
        noise = {place: rng.normal(0, 0.3, patients) for place in models}
        noise["ensemble", 0] = np.mean(list(noise.values()), axis=0)
        for (fold, repeat), own in noise.items():
            for patient in range(patients):
                probability = 1 / (1 + np.exp(-(effect * positive[patient] + hard[patient] + own[patient] - 1)))
                label, said = ("malignant" if yes else "benign" for yes in (positive[patient], probability >= 0.5))
                row = {"arm": arm, "classifier": "cnn", "fold": fold, "repeat": repeat, "patient_id": f"p{patient:02d}"}
                row |= {"site": "ab"[patient // 2 % 2], "label": label, "positive": "malignant", "threshold": 0.5}
                row |= {"probability": probability, "predicted": said}
                rows += [row | {"case_id": f"c{patient:02d}{part}"} for part in ("xy" if positive[patient] else "x")]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("metric", ["auroc", "recall/malignant", "calibration_error"])
def test_scores_of_patients_average_to_the_score_of_all_cases_together(metric):
    cases = classified({"real": 1.0}, repeats=2)
    for fold, table in fold_scores(cases, metric).items():
        assert table.shape == (2, 40)
        for repeat, values in table.iterrows():
            model = cases[(cases["fold"] == fold) & (cases["repeat"] == repeat)]
            assert values.mean() == pytest.approx(score(model, metric))
    ensemble = cases[cases["fold"] == "ensemble"]
    assert ensemble_scores(cases, metric).mean() == pytest.approx(score(ensemble, metric))


def test_segmented_cases_keep_their_own_scores():
    cases = pd.DataFrame({"fold": ["0", "0"], "patient_id": ["p", "p"], "case_id": ["a", "b"], "dice": [0.4, 0.6]})
    assert scored(cases, "dice") is cases
    assert fold_scores(cases, "dice")["0"].loc[0, "p"] == pytest.approx(0.5)


def test_rows_of_patients_know_their_site_and_model():
    cases = with_model(classified({"real": 1.0, "x": 1.0}))
    table = scored(cases, "auroc")
    assert len(table) == 2 * 4 * 40 and set(table["model"]) == {"cnn"}
    sites = cases.groupby("patient_id")["site"].first()
    assert (table["site"] == table["patient_id"].map(sites)).all()


def test_the_verdict_on_a_classifier_finds_what_is_there():
    found = verdict(classified({"real": 0.5, "better": 3.0, "same": 0.5}), metric="auroc")
    arms = found["models"]["cnn"]["arms"]
    assert arms["better"]["verdict"] == "helps" and arms["same"]["verdict"] == "no evidence"
    cases = classified({"real": 0.5, "better": 3.0, "same": 0.5})
    models = [rows for _, rows in cases[(cases["arm"] == "better") & (cases["fold"] != "ensemble")].groupby("fold")]
    assert arms["better"]["mean"] == pytest.approx(np.mean([score(rows, "auroc") for rows in models]))
    assert found["larger_is_better"] and arms["better"]["n_patients"] == 40
    json.dumps(found, allow_nan=False)
    assert "better: helps: +0." in verdict_in_words(found)[1] and "AUROC" in verdict_in_words(found)[1]


def test_smaller_errors_of_calibration_help():
    found = verdict(classified({"real": 0.2, "better": 4.0}), metric="brier")
    assert not found["larger_is_better"]
    entry = found["models"]["cnn"]["arms"]["better"]
    assert entry["difference"] < 0 and entry["verdict"] == "helps"


def test_patients_alone_are_the_paired_test_of_the_ensembles():
    from scipy.stats import ttest_rel

    cases = classified({"real": 1.0, "x": 1.5})
    entry = verdict(cases, metric="auroc")["models"]["cnn"]["arms"]["x"]
    pairs = [ensemble_scores(cases[cases["arm"] == arm], "auroc") for arm in ("x", "real")]
    assert entry["p_patients_alone"] == pytest.approx(ttest_rel(*pairs).pvalue)
    assert entry["p_wilcoxon_patients"] is None
    same = classified({"real": 1.0})
    again = verdict(pd.concat([same, same.assign(arm="again")]), metric="auroc")["models"]["cnn"]["arms"]["again"]
    assert (again["p"], again["p_patients_alone"]) == (1.0, 1.0)


def test_a_metric_that_classified_cases_have_not_is_refused():
    with pytest.raises(ConfigError, match="'dice'"):
        verdict(classified({"real": 1.0}), metric="dice")


def test_metrics_of_both_tasks_have_their_words_and_direction():
    assert (task_of("dice/core"), task_of("recall/malignant")) == ("segment", "classify")
    assert in_words("dice/core") == "Dice of core" and in_words("recall/malignant") == "Recall of malignant"
    assert larger_is_better("auroc") and not larger_is_better("log_loss") and not larger_is_better("hd95_mm")
    with pytest.raises(ValueError, match="'dicee'"):
        larger_is_better("dicee")


def test_a_metric_is_about_a_class_of_the_cohort():
    for metric in ("recall/malignant", "auroc", "f1/benign"):
        check_class(metric, ("benign", "malignant"))
    with pytest.raises(ConfigError, match="'recall/malignent', but the classes of the cohort are benign and malignant"):
        check_class("recall/malignent", ("benign", "malignant"))
