"""The verdict: per arm helps, harms, or no evidence, with effect, interval and p-value."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from synthtrial.errors import ConfigError
from synthtrial.holm import holm
from synthtrial.trial.analysis import Analysis, analyse_crossed, analyse_sites, stacked
from synthtrial.trial.effect import Effect
from synthtrial.trial.metric_words import larger_is_better
from synthtrial.trial.protocol import protocol_of
from synthtrial.trial.scores import (
    ensemble_scores,
    fold_scores,
    has_metric,
    is_classified,
    sites_of_patients,
    with_model,
)
from synthtrial.trial.shares import study_shares
from synthtrial.trial.strata import strata_of
from synthtrial.trial.usual_tests import paired_t, wilcoxon_over_patients

NO_EVIDENCE = "no evidence"

Scores = dict[str, pd.DataFrame]
"""For each fold the scores of its models: a row per repeat, a column per patient."""


def verdict(
    cases: pd.DataFrame,
    *,
    reference: str = "real",
    metric: str = "dice",
    alpha: float = 0.05,
    study: str = "",
    protocol: str = "holdout",
) -> dict[str, Any]:
    """Compare every arm with the reference, with Holm's correction over the arms of a segmenter or classifier.

    The test is the crossed one, within sites where there are several; under `site_out` that over sites.

    Args:
        cases: rows of all `cases.csv`: `arm, fold, case_id, patient_id`, `segmenter`, `classifier` or `model`, and the
            metric, or of a classification `label, positive, probability, predicted`; `repeat` and `site` where there
            are several.
        reference: the arm to compare with.
        metric: what to compare.
        alpha: error rate over all arms of one segmenter or classifier.
        study: name of the study.
        protocol: name of the protocol.

    Returns:
        The content of `verdict.json`. `mean` and `difference` are over folds and patients, each patient counting once
        (under `site_out` over sites, each counting once); `ensemble_mean` is that of the folds' ensemble.
        `smallest_detectable` is at alpha over the number of arms, Holm's first step. For comparison only there is the
        usual test over patients, on the ensembles, which takes the luck of one training for an effect: of segmented
        cases `p_wilcoxon_patients`, of classified ones `p_patients_alone`, Student's t on paired pseudo-values (of the
        AUROC the test of DeLong et al. 1988 in all but name); the other one is None. The reference has its means and
        counts only. `variance_shares` is of the scores of all arms together; None under `site_out`, and where there is
        no arm to compare.

    Raises:
        ConfigError: when the reference arm, the metric or a score is missing, or `site_out` has fewer than 3 sites.
    """
    cases = with_model(cases)
    if not has_metric(cases, metric):
        raise ConfigError(f"protocol.metric is {metric!r}, which cases.csv does not have")
    by_site = protocol_of(protocol).judged_on_folds
    better = 1 if larger_is_better(metric) else -1
    models = {
        str(model): _Comparison(rows, reference, metric, alpha, by_site, better).block()
        for model, rows in cases.groupby("model", sort=False)
    }
    return {
        "study": study,
        "protocol": protocol,
        "reference": reference,
        "metric": metric,
        "larger_is_better": better > 0,
        "alpha": alpha,
        "models": models,
    }


def called(improvement: float, p: float, alpha: float) -> str:
    """The verdict in one word: of an improvement (negative where it is none), its p-value and the rate of error."""
    if p >= alpha:
        return NO_EVIDENCE
    return "helps" if improvement > 0 else "harms"


class _Comparison:
    """All arms of one segmenter or classifier.

    Args:
        rows: of `cases.csv`.
        reference, metric, alpha: as `verdict` has them.
        by_site: whether each fold judges its own site's patients.
        better: 1 where larger is better, else -1.
    """

    def __init__(
        self, rows: pd.DataFrame, reference: str, metric: str, alpha: float, by_site: bool, better: int
    ) -> None:
        tables = {str(arm): table for arm, table in rows.groupby("arm", sort=False)}
        if reference not in tables:
            raise ConfigError(f"protocol.reference is {reference!r}, which is no arm of the study: {', '.join(tables)}")
        self.reference, self.alpha, self.by_site, self.better = reference, alpha, by_site, better
        self.ensembles = {arm: ensemble_scores(table, metric) for arm, table in tables.items()}
        base = fold_scores(tables[reference], metric)
        self.scores = {arm: _aligned(arm, fold_scores(table, metric), base) for arm, table in tables.items()}
        self.compared = [arm for arm in tables if arm != reference]
        self.sites = sites_of_patients(tables[reference])
        self.classified = is_classified(rows)

    def block(self) -> dict[str, Any]:
        """The model's part of `verdict.json`, the reference first."""
        entries = {self.reference: self._means(self.reference)}
        entries |= {arm: self._entry(arm) for arm in self.compared}
        adjusted = holm([entries[arm]["p"] for arm in self.compared])
        for arm, p_adjusted in zip(self.compared, adjusted, strict=True):
            entries[arm]["p_adjusted"] = p_adjusted
            entries[arm]["verdict"] = called(self.better * entries[arm]["difference"], p_adjusted, self.alpha)
        return {"arms": entries, "variance_shares": self._shares()}

    def _means(self, arm: str) -> dict[str, Any]:
        scores = self.scores[arm]
        patients = {patient for table in scores.values() for patient in table}
        return {
            "mean": float(np.mean([table.to_numpy().mean() for table in scores.values()])),
            "ensemble_mean": float(self.ensembles[arm].mean()),
            "n_patients": len(patients),
            "n_models": len(scores),
            "n_repeats": len(next(iter(scores.values()))),
        }

    def _entry(self, arm: str) -> dict[str, Any]:
        analysis = self._analysis(arm)
        base = self.ensembles[self.reference]
        margins = self.ensembles[arm].reindex(base.index) - base
        return {
            **self._means(arm),
            **asdict(analysis.effect),
            "p_adjusted": None,
            "verdict": None,
            "variance": analysis.variance.single(),
            "variance_of_mean": analysis.variance.of_mean(),
            "smallest_detectable": analysis.smallest_detectable,
            "repeats_to_halve": analysis.repeats_to_halve,
            "halving": analysis.halving,
            "bootstrap": _interval(analysis.bootstrap),
            "p_wilcoxon_patients": None if self.classified else wilcoxon_over_patients(margins.to_numpy()),
            "p_patients_alone": paired_t(margins.to_numpy()) if self.classified else None,
        }

    def _analysis(self, arm: str) -> Analysis:
        base = self.scores[self.reference]
        differences = [table - base[fold] for fold, table in self.scores[arm].items()]
        if self.by_site:
            return analyse_sites([table.to_numpy() for table in differences], self.alpha, len(self.compared))
        strata = strata_of(self.sites[differences[0].columns])
        return analyse_crossed(stacked(differences), strata, self.alpha, len(self.compared))

    def _shares(self) -> dict[str, float | None] | None:
        if self.by_site or not self.compared:
            return None
        return study_shares(np.stack([stacked(list(folds.values())) for folds in self.scores.values()]))


def _aligned(arm: str, scores: Scores, base: Scores) -> Scores:
    """An arm's scores in the order of the reference's.

    Raises:
        ConfigError: when the arm has not the same models, or they have not judged the same patients.
    """
    aligned = {fold: scores[fold].reindex_like(table) for fold, table in base.items() if fold in scores}
    same = scores.keys() == base.keys() and all(scores[fold].shape == table.shape for fold, table in base.items())
    if not same or any(table.isna().to_numpy().any() for table in aligned.values()):
        raise ConfigError(
            f"arm {arm!r} was not judged by the same folds and repeats on the same patients as the reference: run it "
            "again"
        )
    return aligned


def _interval(bootstrap: Effect | None) -> dict[str, float] | None:
    if bootstrap is None:
        return None
    return {"ci_low": bootstrap.ci_low, "ci_high": bootstrap.ci_high, "p": bootstrap.p}
