"""Scores of a two-class study per arm: ranking, calls and probabilities on the test cases; validation apart."""

from __future__ import annotations

from functools import partial

import pandas as pd

from synthtrial.report import numbers
from synthtrial.report.baselines import in_words as baseline_in_words
from synthtrial.report.blocks import Block, Column, Details, Picture, Section, Table
from synthtrial.report.class_figures import FEWEST, confusion_figure, curve_figure, score_figure
from synthtrial.report.class_frames import call_frame, ensemble_frame
from synthtrial.report.class_tables import class_metrics, fold_model_table, named, threshold_table
from synthtrial.report.per_model import per_model
from synthtrial.report.protocols import describe
from synthtrial.report.results import Results
from synthtrial.report.validation_table import validation_table
from synthtrial.trial.metric_words import in_words, larger_is_better

DEFINITIONS = """\
Scores are pooled over the cases of one model; {positive} is the positive class.

AUROC              share of pairs of a {positive} and a {negative} case in which the first has the higher probability.
AUPRC              average precision: precision of {positive} over its recall. Guessing gives the share of {positive}.
Balanced accuracy  mean of both classes' recalls.
Precision          share of the cases called so that are so; 0 where no case is called so.
Recall             share of the cases that are so and are called so. Recall of {positive} is the sensitivity, recall of
                   {negative} the specificity.
F1                 harmonic mean of precision and recall.
Brier score        mean squared error of the probability of {positive}.
Log loss           mean of minus the logarithm of the true class's probability.
Calibration error  how far probabilities lie from shares, over 10 bins, weighted by their cases; with few cases it is
                   large by chance.
"""


def section(results: Results) -> Section:
    """What each classifier has learned from each arm; nothing for a segmentation."""
    models = results.contenders if results.task == "classify" else []
    blocks = per_model(results, models, partial(model_blocks, results))
    if blocks:
        negative, positive = results.classes
        text = DEFINITIONS.format(negative=negative, positive=positive)
        blocks.append(Details("How each score is defined", text))
    return Section("classes", "Scores per arm and class", blocks)


def model_blocks(results: Results, model: str) -> list[Block]:
    """Tables and figures of one classifier on the judged cases, then its validation scores."""
    frame, calls = ensemble_frame(results, model), call_frame(results, model)
    return [
        ranking_table(results, model, frame),
        class_table(results, model, frame.merge(calls, on="arm")),
        score_picture(results, model, frame),
        curve_picture(results, model),
        confusion_picture(results, model, calls),
        threshold_table(results, model),
        fold_model_table(results, model),
        validation_table(results, model, results.params["protocol"]["metric"], "validation_scores"),
    ]


def heading(metric: str) -> str:
    """A metric's name with an arrow to where it is better."""
    arrow = "\N{UPWARDS ARROW}" if larger_is_better(metric) else "\N{DOWNWARDS ARROW}"
    return f"{in_words(metric)}\N{NO-BREAK SPACE}{arrow}"


def ranking_table(results: Results, model: str, frame: pd.DataFrame) -> Table:
    """How well the ensembles rank, call and state probabilities; with intervals."""
    shown = ("auroc", "auprc", "balanced_accuracy")
    columns = [Column("arm", "Arm", number=False)]
    for metric in shown:
        ends = frame[[f"{metric}_low", f"{metric}_high"]].to_numpy()
        frame = frame.assign(**{f"{metric}_interval": [between(low, high) for low, high in ends]})
        columns += [
            Column(metric, heading(metric), numbers.dice),
            Column(f"{metric}_interval", results.level),
        ]
    columns.append(Column("calibration_error", heading("calibration_error"), numbers.dice))
    return Table(
        name=f"test_scores_{model}",
        frame=named(frame, results),
        columns=columns,
        caption=f"The ensembles of classifier {model} on {describe(results.protocol).judged}: "
        f"{frame['cases'].max()} cases of {frame['patients'].max()} patients. {results.level} intervals are over "
        "patients, of these very models: from the standard error of jackknife pseudo-values. What another training "
        f"would change is in the verdict's intervals alone.{alone_in_words(results)}",
        cases="test",
    )


def between(low: float, high: float) -> str | None:
    """An interval of shares; None without one."""
    return None if pd.isna(low) else f"{numbers.dice(low)} to {numbers.dice(high)}"


def alone_in_words(results: Results) -> str:
    """What the baselines in the last rows are."""
    if not results.baselines:
        return ""
    names = " and ".join(baseline_in_words(name) for name in results.baselines)
    return f" In the last rows {names}: trained on {results.reference}, it shows what that feature gives away."


def class_table(results: Results, model: str, frame: pd.DataFrame) -> Table:
    """Precision, recall and F1 of both classes at the threshold."""
    metrics = class_metrics(results)
    scored = [f"{name}{end}" for name in metrics for end in ("", "_low", "_high")]
    called = [f"{true}_as_{said}" for true in results.classes for said in results.classes]
    return Table(
        name=f"test_classes_{model}",
        frame=named(frame[["arm", *scored, *called]], results),
        columns=[
            Column("arm", "Arm", number=False),
            *(Column(name, in_words(name), numbers.dice) for name in metrics),
        ],
        caption=f"The same ensembles of classifier {model}, by class, at their thresholds. The intervals are in the "
        "figure below and in the CSV file.",
        cases="test",
    )


def score_picture(results: Results, model: str, frame: pd.DataFrame) -> Picture:
    """The main scores with their intervals."""
    metrics = ["auroc", "auprc", "balanced_accuracy", *class_metrics(results)[:3]]
    return Picture(
        name=f"test_scores_{model}",
        content=score_figure(results, frame, {name: in_words(name) for name in metrics}),
        caption=f"Ensembles of classifier {model} with {results.level} intervals over patients. The dotted line is arm "
        f"{results.reference}. All arms are judged on the same cases: intervals that overlap may still differ, and "
        "which do is for the verdict to say.",
        alt="Scores of each arm with their intervals, one panel per score.",
        cases="test",
    )


def curve_picture(results: Results, model: str) -> Picture:
    """ROC, precision and recall, reliability."""
    grey = f" Grey: {' and '.join(map(baseline_in_words, results.baselines))}." if results.baselines else ""
    return Picture(
        name=f"curves_{model}",
        content=curve_figure(results, model),
        caption=f"Ensembles of classifier {model}; marks on the first two panels are the thresholds in use. "
        f"Reliability: of the cases with such a probability, the share that is {results.classes[1]}, larger marks for "
        f"more cases, none for fewer than {FEWEST}; on the diagonal, probabilities can be taken at their word. Light "
        f"lines: guessing, and perfect reliability.{grey}",
        alt="ROC, precision over recall, and reliability, a line per arm.",
        cases="test",
    )


def confusion_picture(results: Results, model: str, calls: pd.DataFrame) -> Picture:
    """What was called what."""
    return Picture(
        name=f"confusion_{model}",
        content=confusion_figure(results, calls),
        caption=f"What the ensembles of classifier {model} called the cases: one row per true class, with counts and "
        "shares of the row.",
        alt="Confusion matrix of each arm.",
        cases="test",
    )
