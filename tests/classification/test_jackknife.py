"""Pseudovalues: the plain definition, DeLong's variance, and the crossed test on them under no difference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from judged_cases import by_scikit_learn, judged_cases, random_cases

from synthtrial.classification.metrics import metric_names, pseudovalues, score
from synthtrial.classification.metrics.names import METRICS
from synthtrial.errors import ConfigError
from synthtrial.trial.crossed import crossed_test

NAMES = metric_names(["benign", "malignant"])


def by_definition(cases: pd.DataFrame) -> pd.DataFrame:
    """Pseudovalues of every metric, by scoring the cases again without each patient, with scikit-learn."""
    patients = sorted(cases["patient_id"].unique())
    whole = pd.Series(by_scikit_learn(cases))
    left = pd.DataFrame({patient: by_scikit_learn(cases[cases["patient_id"] != patient]) for patient in patients}).T
    raw = len(patients) * whole - (len(patients) - 1) * left
    return raw - raw.mean() + whole


@pytest.mark.parametrize("decimals", [1, 6])
@pytest.mark.parametrize("seed", range(3))
def test_they_are_the_plain_definition(seed, decimals):
    cases = random_cases(seed, decimals=decimals)
    n_cases = cases.groupby("patient_id")["label"].agg(["size", "nunique"])
    assert n_cases["size"].min() == 1 < n_cases["size"].max() and n_cases["nunique"].max() == 2
    expected = by_definition(cases)
    for metric in NAMES:
        found = pseudovalues(cases, metric)
        assert list(found.index) == list(expected.index) and found.index.name == "patient_id"
        np.testing.assert_allclose(found, expected[metric], atol=1e-9, err_msg=metric)


@pytest.mark.parametrize("metric", NAMES)
def test_their_mean_is_the_score(metric):
    cases = random_cases(4)
    assert pseudovalues(cases, metric).mean() == pytest.approx(score(cases, metric))


@pytest.mark.parametrize("metric", NAMES)
def test_the_order_of_the_rows_does_not_matter(metric):
    cases = random_cases(5)
    shuffled = cases.sample(frac=1, random_state=0)
    pd.testing.assert_series_equal(pseudovalues(cases, metric), pseudovalues(shuffled, metric))


def test_of_a_mean_over_patients_they_are_what_each_patient_adds():
    cases = judged_cases([1, 0, 1, 0, 0], [0.9, 0.2, 0.3, 0.6, 0.1])
    right = (cases["label"] == cases["predicted"]).astype(float)
    np.testing.assert_allclose(pseudovalues(cases, "accuracy"), right)
    error = (cases["probability"] - (cases["label"] == "malignant")) ** 2
    np.testing.assert_allclose(pseudovalues(cases, "brier"), error)


def test_a_case_that_is_ranked_well_has_a_higher_pseudovalue():
    values = pseudovalues(judged_cases([1, 1, 0, 0, 0], [0.9, 0.3, 0.1, 0.2, 0.8]), "auroc").to_numpy()
    assert values[0] > values[1] and values[2] == pytest.approx(values[3]) and values[3] > values[4]


@pytest.mark.parametrize(("n_positive", "n_negative", "shift"), [(50, 50, 1.0), (40, 120, 1.5), (30, 300, 0.5)])
def test_for_auroc_their_variance_is_delongs(n_positive, n_negative, shift):
    truth = np.repeat([True, False], (n_positive, n_negative))
    values = np.random.default_rng(6).standard_normal(len(truth)) + shift * truth
    cases = judged_cases(truth, 1 / (1 + np.exp(-values)))
    found = pseudovalues(cases, "auroc").var(ddof=1) / len(cases)
    assert found == pytest.approx(delong_variance(values[truth], values[~truth]), rel=0.04)


def delong_variance(positive, negative) -> float:
    """Variance of the AUROC by the placements of each case; DeLong, DeLong, Clarke-Pearson 1988."""
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    return wins.mean(1).var(ddof=1) / len(positive) + wins.mean(0).var(ddof=1) / len(negative)


def test_a_patient_with_many_copies_of_a_case_is_still_one_patient():
    """Copies add nothing that is new: taken for patients, they would make the error look smaller than it is."""
    rng = np.random.default_rng(7)
    truth = rng.random(40) < 0.5
    probability = np.clip(0.4 + 0.2 * truth + 0.2 * rng.standard_normal(40), 0, 1)
    once = judged_cases(truth, probability)
    often = judged_cases(np.repeat(truth, 5), np.repeat(probability, 5), np.repeat(once["patient_id"], 5).to_numpy())
    for metric in NAMES:
        np.testing.assert_allclose(pseudovalues(often, metric), pseudovalues(once, metric), atol=1e-9, err_msg=metric)


@pytest.mark.parametrize("metric", [name for name in NAMES if METRICS[name.partition("/")[0]].about != "none"])
def test_a_class_with_one_patient_cant_be_judged(metric):
    one = {"malignant": [1, 1, 0, 0, 0], "benign": [0, 0, 1, 1, 1]}[metric.partition("/")[2] or "malignant"]
    cases = judged_cases(one, [0.9, 0.6, 0.4, 0.2, 0.8], patients=["a", "a", "b", "c", "d"])
    with pytest.raises(ConfigError, match=rf"arm real.*{metric} needs judged cases of .* at least 2 patients, not 1"):
        pseudovalues(cases, metric)
    assert len(pseudovalues(cases, "accuracy")) == 4


def test_what_else_is_refused():
    cases = judged_cases([1, 0], [0.9, 0.1], patients=["a", "a"])
    with pytest.raises(ConfigError, match="brier needs judged cases of any class from at least 2 patients, not 1"):
        pseudovalues(cases, "brier")
    with pytest.raises(ConfigError, match="no patient_id"):
        pseudovalues(cases.assign(patient_id=["a", None]), "accuracy")
    with pytest.raises(ValueError, match="'dice' is no metric"):
        pseudovalues(random_cases(), "dice")


def null_differences(rng, metric, separation, share, luck, n_models=5, n_patients=60) -> np.ndarray:
    """Pseudovalues of an arm minus those of another with the same distribution, `(models, patients)`.

    What a model says of a patient is, on the scale of the logit, how hard the patient is, how the arm sees the patient,
    and chance; models differ in how well they separate the classes and in where they put their threshold.
    """
    truth = np.zeros(n_patients, bool)
    truth[: round(share * n_patients)] = True
    hard = rng.standard_normal(n_patients)
    cases = judged_cases(truth, np.zeros(n_patients))
    tables = []
    for _ in range(2):
        of_arm = 0.4 * rng.standard_normal(n_patients)
        rows = []
        for _ in range(n_models):
            skill = separation + luck * rng.standard_normal()
            logit = skill * (truth - 0.5) + 0.8 * hard + of_arm + 0.4 * rng.standard_normal(n_patients)
            called = np.where(logit >= 0.3 * rng.standard_normal(), "malignant", "benign")
            model = cases.assign(probability=1 / (1 + np.exp(-logit)), predicted=called)
            rows.append(pseudovalues(model, metric))
        tables.append(np.stack(rows))
    return tables[0] - tables[1]


def rejection_rate(metric, separation, share, luck, trials) -> float:
    rng = np.random.default_rng(8)
    tables = (null_differences(rng, metric, separation, share, luck) for _ in range(trials))
    return float(np.mean([crossed_test(table).p < 0.05 for table in tables]))


def most_of(trials: int) -> float:
    """A rate of 5 % is above this in one of 160 samples."""
    return 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / trials)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "separation", "share", "luck"),
    [
        ("auroc", 1.0, 0.5, 0.0),
        ("auroc", 1.0, 0.5, 0.3),
        ("auroc", 2.0, 0.2, 0.3),
        ("auroc", 1.0, 0.2, 1.0),
        ("balanced_accuracy", 1.0, 0.5, 0.3),
        ("f1/malignant", 1.0, 0.2, 0.3),
        ("auprc", 1.0, 0.2, 0.3),
        ("log_loss", 1.0, 0.5, 0.3),
    ],
)
def test_the_crossed_test_on_them_rejects_a_null_arm_in_5_percent_of_trials_or_fewer(metric, separation, share, luck):
    assert rejection_rate(metric, separation, share, luck, trials=1000) <= most_of(1000)
