"""The learning curve of one model as the report shows it: its points, and what arms are worth in real cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from synthtrial.report import numbers
from synthtrial.report.results import Results
from synthtrial.trial.learning_arms import LearningCurve
from synthtrial.trial.learning_curve import Estimate, Resampled, resample
from synthtrial.trial.metric_words import larger_is_better
from synthtrial.trial.protocol import protocol_of
from synthtrial.trial.scores import ENSEMBLE
from synthtrial.trial.verdict import verdict

End = Literal["value", "low", "high"]

SEEN = {
    "arm": "generators have seen real cases that this arm lacks",
    "fold": "generators have seen cases that each fold leaves out",
    "all": "LEAKY: generators have seen the judged cases",
}
"""Why a worth may flatter synthetic cases."""


@dataclass(frozen=True)
class Reading:
    """One arm with synthetic cases, read on the reference's curve.

    Attributes:
        arm: its name.
        base: the arm at 100 %, whose colour it has.
        share: of the real cases of `base`.
        cases: real training cases of a fold, mean over folds; 0 for synthetic cases alone.
        mean: mean score.
        needed: real cases that the reference alone needs to be as good.
        fewest, most: real cases at the ends of the curve.
        caution: why the figure flatters the synthetic cases; empty where it does not.
    """

    arm: str
    base: str
    share: float
    cases: float
    mean: float
    needed: Estimate
    fewest: float
    most: float
    caution: str

    def needed_text(self, end: End) -> str:
        """Real cases that are as good: `12`, `more than 48`, `fewer than 5`."""
        return self._text(getattr(self.needed, end), 0)

    def worth_text(self, end: End) -> str:
        """The same without the arm's own real cases: what the synthetic ones are worth."""
        return self._text(getattr(self.needed, end), self.cases)

    def needed_interval(self) -> str:
        """Its interval: `10 to 15`, or `more than 48` where both ends lie beyond the curve."""
        return _between(self.needed_text("low"), self.needed_text("high"))

    def worth_interval(self) -> str:
        """The interval of the worth."""
        return _between(self.worth_text("low"), self.worth_text("high"))

    def _text(self, needed: float, own: float) -> str:
        if needed == np.inf:
            return f"more than {_whole(self.most - own)}"
        return f"fewer than {_whole(self.fewest - own)}" if needed == -np.inf else _whole(needed - own)


@dataclass(frozen=True)
class Curve:
    """The learning curve of one model.

    Attributes:
        points: one row per arm and share: `arm, base, share, cases, mean, low, high`, and against the reference at the
            same share `difference, ci_low, ci_high`.
        readings: what arms with synthetic cases are worth, those of 100 % among them.
        fewest, most: real cases at the ends of the reference's curve.
    """

    points: pd.DataFrame
    readings: list[Reading]
    fewest: float
    most: float

    def worth_frame(self) -> pd.DataFrame:
        """One row per reading; numbers of cases as numbers (`inf`: more than the curve has) and in words."""
        return pd.DataFrame(
            {
                "arm": reading.arm,
                "cases": reading.cases,
                "mean": reading.mean,
                "needed": reading.needed.value,
                "needed_low": reading.needed.low,
                "needed_high": reading.needed.high,
                "as_good_as": reading.needed_text("value"),
                "as_good_as_interval": reading.needed_interval(),
                "worth": reading.worth_text("value"),
                "worth_interval": reading.worth_interval(),
                "caution": reading.caution,
            }
            for reading in self.readings
        )


def read_learning_curve(results: Results, model: str) -> Curve:
    """Estimate the learning curve of one model, and read every arm with synthetic cases on it."""
    curve = results.learning_curve
    assert curve is not None
    arms = [*results.arms_of(model), *curve.added]
    cases = _real_cases(results, model, arms)
    resampled = _resample(results, model, arms)
    scale = {name: cases[name] for name in curve.names[results.reference].values()}
    bounds = (min(scale.values()), max(scale.values()))
    readings = []
    for base in results.arms_of(model):
        if not _drawn(results, base):
            continue
        for share, name in curve.names.get(base, {1.0: base}).items():
            needed, mean = resampled.real_cases(name, scale), _sign(results) * resampled.means[name]
            caution = _caution(results, base, share)
            readings.append(Reading(name, base, share, cases[name], mean, needed, *bounds, caution))
    return Curve(_points(results, model, curve, cases, resampled), readings, *bounds)


def _points(
    results: Results, model: str, curve: LearningCurve, cases: Mapping[str, float], resampled: Resampled
) -> pd.DataFrame:
    """One row per point of each curve."""
    rows = []
    for base, points in curve.names.items():
        for share, name in points.items():
            mean, sign = resampled.mean(name), _sign(results)
            low, high = sorted((sign * mean.low, sign * mean.high))
            row = {"arm": name, "base": base, "share": share, "cases": cases[name]}
            row |= {"mean": sign * mean.value, "low": low, "high": high}
            rows.append(row | _difference(results, model, name, curve.names[results.reference][share]))
    return pd.DataFrame(rows)


def _difference(results: Results, model: str, arm: str, reference: str) -> dict[str, float]:
    """The arm against the reference at the same share, as the verdict compares arms; nothing for the reference."""
    keys = ("difference", "ci_low", "ci_high")
    if arm == reference:
        return dict.fromkeys(keys, np.nan)
    scores = results.patient_scores
    rows = scores[(scores["model"] == model) & scores["arm"].isin([arm, reference])]
    settings = {key: results.params["protocol"][key] for key in ("metric", "alpha")}
    found = verdict(rows, reference=reference, protocol=results.protocol, **settings)
    return {key: found["models"][model]["arms"][arm][key] for key in keys}


def _resample(results: Results, model: str, arms: list[str]) -> Resampled:
    """Scores of all models on all patients, and their bootstrap; the same draws for the same study."""
    scores = results.patient_scores
    rows = scores[(scores["model"] == model) & (scores["fold"] != ENSEMBLE)]
    place = ["fold", "repeat"] if "repeat" in rows else ["fold"]
    metric = results.params["protocol"]["metric"]
    tables = rows.pivot_table(index=["arm", *place], columns="patient_id", values=metric, aggfunc="mean")
    base = tables.loc[results.reference]
    return resample(
        {arm: _sign(results) * tables.loc[arm].reindex_like(base).to_numpy(float) for arm in arms},
        [str(fold) for fold in base.index.get_level_values("fold")],
        alpha=results.params["protocol"]["alpha"],
        rng=np.random.default_rng(results.params["study"]["seed"]),
    )


def _sign(results: Results) -> int:
    """1 where a larger score is better, -1 where a smaller one is: curves rise with the number of cases."""
    return 1 if larger_is_better(results.params["protocol"]["metric"]) else -1


def _real_cases(results: Results, model: str, arms: list[str]) -> dict[str, float]:
    """Real training cases of each arm, mean over folds."""
    folds = results.fold_scores.query("model == @model").groupby("arm")["train_real"].mean()
    return {arm: float(folds[arm]) for arm in arms}


def _drawn(results: Results, arm: str) -> list[str]:
    """Names of the draws that an arm has cases of."""
    return [name for name, ratio in results.params["arms"][arm].get("synthetic", {}).items() if ratio]


def _caution(results: Results, base: str, share: float) -> str:
    """Why a figure flatters the synthetic cases; empty for generators that have seen what the arm trains on, or none.

    An arm of synthetic cases alone lacks all real cases, and is compared with what a fold trains on: so is `base`.
    """
    drawn, protocol = _drawn(results, base), protocol_of(results.protocol)
    if not any(one.cohort.facts["seen_cases"] for one in results.syntheses if one.draw in drawn):
        return ""
    if protocol.leaky:
        return SEEN["all"]
    if share < 1:
        return SEEN["arm"]
    return SEEN["fold"] if protocol.sees else ""


def _between(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _whole(cases: float) -> str:
    """A number of cases: whole, or with one decimal where that is few."""
    rounded = round(cases) if abs(cases) >= 10 else round(cases, 1) + 0.0  # + 0.0: no negative zero
    return f"{rounded:g}".replace("-", numbers.MINUS)
