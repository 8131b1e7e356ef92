"""The table of validation scores, of either task."""

from __future__ import annotations

from synthtrial.report import numbers
from synthtrial.report.blocks import Column, Table
from synthtrial.report.protocols import describe
from synthtrial.report.results import Results
from synthtrial.report.tables import validation_frame
from synthtrial.trial.metric_words import in_words


def validation_table(results: Results, model: str, metric: str, name: str) -> Table:
    """A metric on what each fold left out, per arm and fold.

    Args:
        results: of the study.
        model: segmenter or classifier.
        metric: a column of `folds.csv` without `validation_`.
        name: of the table, without the model's.
    """
    frame = validation_frame(results, model, metric)
    folds = [column for column in frame.columns if column.startswith("fold ")]
    return Table(
        name=f"{name}_{model}",
        frame=frame,
        columns=[
            Column("arm", "Arm", number=False),
            *(Column(fold, fold.capitalize(), numbers.dice) for fold in folds),
            Column("mean", "Mean", numbers.dice),
            Column("sd", "SD", numbers.dice),
        ],
        caption=f"Validation {in_words(metric)} per fold, {results.model_word} {model}. "
        f"{describe(results.protocol).validation}",
        cases="validation",
    )
