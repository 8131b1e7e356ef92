"""Rows of a `cases.csv` of one model, made up."""

from __future__ import annotations

import numpy as np
import pandas as pd


def judged_cases(truth, probability, patients=None, threshold=0.5) -> pd.DataFrame:
    """Rows of one model; without `patients`, one case per patient."""
    truth, probability = np.asarray(truth, bool), np.asarray(probability, float)
    n = len(truth)
    return pd.DataFrame(
        {
            "arm": "real",
            "classifier": "cnn",
            "fold": "0",
            "repeat": 0,
            "case_id": [f"case_{i:04d}" for i in range(n)],
            "patient_id": [f"patient_{i:04d}" for i in range(n)] if patients is None else patients,
            "site": "",
            "label": np.where(truth, "malignant", "benign"),
            "positive": "malignant",
            "probability": probability,
            "threshold": threshold,
            "predicted": np.where(probability >= threshold, "malignant", "benign"),
        }
    )


def random_cases(seed=0, n=60, n_patients=25, decimals=1) -> pd.DataFrame:
    """Cases of patients that have several each, of one or both classes, with probabilities that tie."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.4
    probability = np.round(np.clip(0.35 + 0.25 * truth + 0.2 * rng.standard_normal(n), 0, 1), decimals)
    patients = [f"p{i}" for i in rng.integers(0, n_patients, n)]
    return judged_cases(truth, probability, patients, threshold=0.45)


def by_scikit_learn(cases: pd.DataFrame) -> dict[str, float]:
    """Every metric by scikit-learn and, for the calibration error, by a loop over its bins."""
    from sklearn import metrics

    truth, probability = (cases["label"] == "malignant").to_numpy(), cases["probability"].to_numpy()
    error = 0.0
    for low in range(10):
        inside = (probability * 10 >= low) & ((probability * 10 < low + 1) | (low == 9))
        if inside.any():
            error += inside.mean() * abs(probability[inside].mean() - truth[inside].mean())
    named = {"zero_division": 0, "labels": ["benign", "malignant"], "average": None}
    of_class = metrics.precision_recall_fscore_support(cases["label"], cases["predicted"], **named)
    return {
        "auroc": metrics.roc_auc_score(truth, probability),
        "auprc": metrics.average_precision_score(truth, probability),
        "balanced_accuracy": metrics.balanced_accuracy_score(cases["label"], cases["predicted"]),
        "accuracy": metrics.accuracy_score(cases["label"], cases["predicted"]),
        "brier": metrics.brier_score_loss(truth, probability),
        "log_loss": metrics.log_loss(truth, probability),
        "calibration_error": error,
    } | {
        f"{metric}/{name}": float(values[i])
        for metric, values in zip(("precision", "recall", "f1"), of_class, strict=False)
        for i, name in enumerate(named["labels"])
    }
