"""Tables of a classifier beside those of its ensembles: thresholds, single models."""

from __future__ import annotations

import pandas as pd

from synthtrial.report import numbers
from synthtrial.report.baselines import in_words as baseline_in_words
from synthtrial.report.blocks import Column, Table
from synthtrial.report.class_frames import fold_model_frame, threshold_frame
from synthtrial.report.results import Results
from synthtrial.trial.metric_words import in_words

RULES = {
    "half": "0.5",
    "youden": "where sensitivity + specificity is largest",
    "f1": "where F1 of {positive} is largest",
}
"""How a threshold is chosen, by `protocol.threshold`."""


def named(frame: pd.DataFrame, results: Results) -> pd.DataFrame:
    """A table whose baselines are called by what they look at."""
    baselines = {name: baseline_in_words(name) for name in results.baselines}
    return frame.assign(arm=frame["arm"].replace(baselines))


def class_metrics(results: Results) -> list[str]:
    """Precision, recall and F1 of the positive class, then of the negative one."""
    return [f"{name}/{class_name}" for class_name in results.classes[::-1] for name in ("precision", "recall", "f1")]


def threshold_table(results: Results, model: str) -> Table:
    """The thresholds in use."""
    rule = results.params["protocol"]["threshold"]
    chosen = (
        "Every model has the threshold 0.5."
        if rule == "half"
        else f"Each model's threshold lies {RULES[rule].format(positive=results.classes[1])} on the cases that it left "
        "out of training; the ensemble's, on all of them. No threshold has seen a judged case."
    )
    return Table(
        name=f"thresholds_{model}",
        frame=named(threshold_frame(results, model), results),
        columns=[
            Column("arm", "Arm", number=False),
            Column("threshold", "Ensemble", numbers.dice),
            Column("lowest", "Fold models, lowest", numbers.dice),
            Column("highest", "highest", numbers.dice),
        ],
        caption=f"Thresholds of classifier {model} (protocol.threshold: {rule}): a case with at least this probability "
        f"is called {results.classes[1]}. {chosen}",
        cases="validation",
    )


def fold_model_table(results: Results, model: str) -> Table:
    """Means of the single models, which the verdict compares."""
    metrics = ["auroc", "auprc", "balanced_accuracy", *class_metrics(results)[:3], "calibration_error"]
    return Table(
        name=f"fold_models_{model}",
        frame=named(fold_model_frame(results, model), results),
        columns=[
            Column("arm", "Arm", number=False),
            Column("auroc", "AUROC", numbers.dice),
            Column("auroc_sd", "SD", numbers.dice),
            *(Column(name, in_words(name), numbers.dice) for name in metrics[1:]),
        ],
        caption=f"Single models of classifier {model}: means over folds, on the same cases. The verdict compares "
        "these; the standard deviation (SD) is what another training may change.",
        cases="test",
    )
