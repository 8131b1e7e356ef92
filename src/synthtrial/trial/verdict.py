"""The verdict: per arm helps, harms, or no evidence, with effect, interval and p-value."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from synthtrial.errors import ConfigError
from synthtrial.holm import holm
from synthtrial.trial.crossed import crossed_test
from synthtrial.trial.scores import ensemble_scores, score_table

NO_EVIDENCE = "no evidence"


def verdict(
    cases: pd.DataFrame,
    *,
    reference: str = "real",
    metric: str = "dice",
    alpha: float = 0.05,
    study: str = "",
    protocol: str = "holdout",
) -> dict[str, Any]:
    """Compare every arm with the reference by the crossed test, with Holm's correction over the arms of a segmenter.

    Args:
        cases: rows of all `cases.csv`: `arm, segmenter, fold, case_id, patient_id` and the metric.
        reference: the arm to compare with.
        metric: the column to compare; larger is better.
        alpha: error rate over all arms of one segmenter.
        study: name of the study.
        protocol: name of the protocol.

    Returns:
        The content of `verdict.json`. `mean` and `difference` are over fold models and patients, each patient
        counting once; `ensemble_mean` is that of the folds' ensemble. `p_wilcoxon_patients` is the usual test over
        patients on the ensembles, for comparison only: it takes the luck of one training for an effect. The reference
        has its means and counts only.

    Raises:
        ConfigError: when the reference arm, the metric or a score is missing.
    """
    if metric not in cases:
        raise ConfigError(f"protocol.metric is {metric!r}, which cases.csv does not have")
    models = {
        str(segmenter): {"arms": _compare(rows, reference, metric, alpha)}
        for segmenter, rows in cases.groupby("segmenter", sort=False)
    }
    return {
        "study": study,
        "protocol": protocol,
        "reference": reference,
        "metric": metric,
        "alpha": alpha,
        "models": models,
    }


def in_words(verdict: dict[str, Any]) -> list[str]:
    """One plain sentence per arm, the reference first.

    Args:
        verdict: content of `verdict.json`.
    """
    several = len(verdict["models"]) > 1
    sentences = []
    for segmenter, block in verdict["models"].items():
        prefix = f"{segmenter}, " if several else ""
        n_compared = len(block["arms"]) - 1
        for arm, entry in block["arms"].items():
            sentences.append(f"{prefix}{arm}: {_sentence(entry, verdict, n_compared)}")
    return sentences


def _compare(rows: pd.DataFrame, reference: str, metric: str, alpha: float) -> dict[str, dict[str, Any]]:
    """Entries of all arms of one segmenter, the reference first."""
    arms = {str(arm): table for arm, table in rows.groupby("arm", sort=False)}
    if reference not in arms:
        raise ConfigError(f"protocol.reference is {reference!r}, which is no arm of the study: {', '.join(arms)}")
    base = arms.pop(reference)
    entries = {reference: _reference_entry(base, metric)}
    entries |= {arm: _entry(arm, table, base, metric, alpha) for arm, table in arms.items()}
    adjusted = holm([entries[arm]["p"] for arm in arms])
    for arm, p_adjusted in zip(arms, adjusted, strict=True):
        entries[arm]["p_adjusted"] = p_adjusted
        entries[arm]["verdict"] = _call(entries[arm]["difference"], p_adjusted, alpha)
    return entries


def _reference_entry(base: pd.DataFrame, metric: str) -> dict[str, Any]:
    scores = score_table(base, metric)
    return {
        "mean": float(scores.to_numpy().mean()),
        "ensemble_mean": float(ensemble_scores(base, metric).mean()),
        "n_patients": scores.shape[1],
        "n_models": scores.shape[0],
    }


def _entry(arm: str, table: pd.DataFrame, base: pd.DataFrame, metric: str, alpha: float) -> dict[str, Any]:
    scores, base_scores = score_table(table, metric), score_table(base, metric)
    aligned = scores.reindex_like(base_scores)
    if scores.shape != base_scores.shape or aligned.isna().to_numpy().any():
        raise ConfigError(
            f"arm {arm!r} was not judged by the same folds on the same patients as the reference: run it again"
        )
    result = asdict(crossed_test(aligned.to_numpy() - base_scores.to_numpy(), alpha))
    ensemble, base_ensemble = ensemble_scores(table, metric), ensemble_scores(base, metric)
    return {
        "mean": float(aligned.to_numpy().mean()),
        "ensemble_mean": float(ensemble.mean()),
        **result,
        "p_adjusted": None,
        "verdict": None,
        "p_wilcoxon_patients": _wilcoxon(ensemble.reindex(base_ensemble.index) - base_ensemble),
    }


def _call(difference: float, p_adjusted: float, alpha: float) -> str:
    if p_adjusted >= alpha:
        return NO_EVIDENCE
    return "helps" if difference > 0 else "harms"


def _wilcoxon(differences: pd.Series) -> float:
    """The usual signed-rank test over patients; 1 when there is no difference at all."""
    from scipy.stats import wilcoxon

    values = differences.to_numpy()
    return float(wilcoxon(values).pvalue) if np.any(values) else 1.0


def _sentence(entry: dict[str, Any], verdict: dict[str, Any], n_compared: int) -> str:
    metric = "Dice" if verdict["metric"] == "dice" else verdict["metric"].replace("dice/", "Dice of ")
    counts = f"over {entry['n_patients']} patients and {entry['n_models']} fold models"
    if "verdict" not in entry:
        return f"reference, mean {metric} {entry['mean']:.3f} (ensemble {entry['ensemble_mean']:.3f}) {counts}"
    finding = "no evidence of a difference" if entry["verdict"] == NO_EVIDENCE else entry["verdict"]
    coverage = f"{100 * (1 - verdict['alpha']):g} %"
    effect = (
        f"{entry['difference']:+.3f} {metric} ({coverage} interval {entry['ci_low']:+.3f} to {entry['ci_high']:+.3f})"
    )
    sentence = f"{finding}: {effect} {counts}"
    if entry["verdict"] == NO_EVIDENCE and entry["p"] < verdict["alpha"]:
        sentence += f"; the interval leaves out zero, but not after Holm's correction over {n_compared} arms"
    return sentence
