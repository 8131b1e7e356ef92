"""Data frames of all metrics on test cases: per arm and label, over all cases or those of one site."""

from __future__ import annotations

import pandas as pd

from synthtrial.errors import SynthtrialError
from synthtrial.report.results import Results
from synthtrial.segmentation.metrics.aggregated import aggregated_dice, cases_with_one_empty, total_lesions
from synthtrial.segmentation.metrics.names import METRICS
from synthtrial.segmentation.metrics.scoring import SUMS

MEAN = "mean"
"""In the column `label`: the row over all labels."""


def metric_frame(results: Results, model: str, site: str | None = None) -> pd.DataFrame:
    """Scores of the ensembles: one row per arm, or with several labels per arm and label, their mean first.

    Columns: `arm, label`, the metrics of a case as means over patients (a patient with several cases counts once),
    `aggregated_dice` over all cases at once, `lesions, found, false` counted over all cases, `one_empty` (cases whose
    HD95 is the image's diagonal), `cases`, and `patients`.

    Args:
        results: of a finished study.
        model: the segmenter's name.
        site: the cases to take; None for all.

    Raises:
        SynthtrialError: when cases were scored by an older version, which had Dice alone.
    """
    check_columns(results)
    rows = []
    for arm in results.arms:
        cases = results.ensemble(model, arm)
        cases = cases if site is None else cases[cases["site"] == site]
        rows += [{"arm": arm, **row} for row in label_rows(cases, results.cohort.labels)]
    return pd.DataFrame(rows)


def label_rows(cases: pd.DataFrame, labels: list[str]) -> list[dict[str, object]]:
    """Scores of one arm's cases: the mean of the labels, and each of them where there are several."""
    kinds: list[tuple[str, str, list[str]]] = [(MEAN, "", labels)]
    if len(labels) > 1:
        kinds += [(label, f"/{label}", [label]) for label in labels]
    by_patient = cases.groupby("patient_id")
    return [
        {
            "label": name,
            **{metric: by_patient[f"{metric}{suffix}"].mean().mean() for metric in METRICS},
            "aggregated_dice": sum(aggregated_dice(cases, label) for label in of) / len(of),
            **total_lesions(cases, of),
            "one_empty": cases_with_one_empty(cases, of),
            "cases": len(cases),
            "patients": by_patient.ngroups,
        }
        for name, suffix, of in kinds
    ]


def sites(results: Results) -> list[str]:
    """Sites of the cases that were judged, in order; empty when there are not at least two."""
    names = sorted(results.case_scores["site"].dropna().unique())
    return names if len(names) > 1 else []


def check_columns(results: Results) -> None:
    """Raise unless the cases have every metric."""
    wanted = [f"{name}/{label}" for name in (*METRICS, *SUMS) for label in results.cohort.labels]
    missing = [name for name in wanted if name not in results.case_scores]
    if missing:
        raise SynthtrialError(
            f"cases.csv of stage `segment` has no column {missing[0]!r}: it was written by an older synthtrial. "
            "Run `dvc repro` to judge the cases again"
        )
