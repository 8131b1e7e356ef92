"""From ratings and key to the numbers of a visual Turing test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from synthtrial.fidelity.turing.choosing import Kind
from synthtrial.fidelity.turing.key import Key
from synthtrial.fidelity.turing.ratings import Ratings
from synthtrial.fidelity.turing.telling import (
    auc,
    auc_interval,
    guessing_p,
    mean_interval,
    midpoint_accuracy,
    smallest_auc,
)
from synthtrial.fidelity.turing.together import Estimate, PooledAuc, agreement, pooled_auc


@dataclass(frozen=True)
class OfRater:
    """One rater's numbers; intervals are over cases.

    Attributes:
        rater, experience: as the rater said.
        mean_real, mean_synthetic: mean scores, 0 real to 10 made.
        auc: of telling synthetic from real cases by the score.
        p: of the AUC against 0.5.
        accuracy: with scores above the rater's own median called synthetic.
        median_seconds: time per case.
    """

    rater: str
    experience: str
    mean_real: Estimate
    mean_synthetic: Estimate
    auc: Estimate
    p: float
    accuracy: float
    median_seconds: float


@dataclass(frozen=True)
class Results:
    """The numbers of a test.

    Attributes:
        key: what the form showed.
        ratings: what the raters said.
        raters: the numbers of each.
        pooled: of all raters; None for one rater.
        smallest_auc: what one rater must have to be found in four of five such tests.
        alpha: agreement of the raters, Krippendorff's alpha; None for one rater, or where all scores are equal.
    """

    key: Key
    ratings: Sequence[Ratings]
    raters: list[OfRater]
    pooled: PooledAuc | None
    smallest_auc: float
    alpha: Estimate | None

    def scores(self, kind: Kind) -> np.ndarray:
        """Scores `(raters, cases)` of the cases of a kind."""
        return scores_of(self.ratings, self.key, kind)


def evaluate(key: Key, ratings: Sequence[Ratings], seed: int = 0) -> Results:
    """Compare the ratings with the key; the seed is that of permutations and bootstrap."""
    rng = np.random.default_rng(seed)
    real, synthetic = scores_of(ratings, key, "real"), scores_of(ratings, key, "synthetic")
    raters = [_of_rater(*scores, rng) for scores in zip(ratings, real, synthetic, strict=True)]
    several = len(ratings) > 1
    return Results(
        key=key,
        ratings=ratings,
        raters=raters,
        pooled=pooled_auc(real, synthetic, rng) if several else None,
        smallest_auc=smallest_auc(real.shape[1], synthetic.shape[1]),
        alpha=agreement(np.hstack([real, synthetic]), rng) if several else None,
    )


def scores_of(ratings: Sequence[Ratings], key: Key, kind: Kind) -> np.ndarray:
    """Scores `(raters, cases)` of the cases of a kind, in the form's order."""
    names = [case.blinded_id for case in key.shown if case.kind == kind]
    return np.array([[one.answers[name].score for name in names] for one in ratings])


def _of_rater(ratings: Ratings, real: np.ndarray, synthetic: np.ndarray, rng: np.random.Generator) -> OfRater:
    value = auc(real, synthetic)
    return OfRater(
        rater=ratings.rater,
        experience=ratings.experience,
        mean_real=Estimate(*mean_interval(real)),
        mean_synthetic=Estimate(*mean_interval(synthetic)),
        auc=Estimate(value, *auc_interval(value, len(real), len(synthetic))),
        p=guessing_p(real, synthetic, rng),
        accuracy=midpoint_accuracy(real, synthetic),
        median_seconds=float(np.median([answer.seconds for answer in ratings.answers.values()])),
    )


def as_json(results: Results, sentences: list[str]) -> dict[str, Any]:
    """Content of `turing.json`."""
    return {
        **results.key.facts,
        "words": sentences,
        "raters": [asdict(rater) for rater in results.raters],
        "pooled": None
        if results.pooled is None
        else {
            "mean_real": float(results.scores("real").mean()),
            "mean_synthetic": float(results.scores("synthetic").mean()),
            **asdict(results.pooled),
        },
        "smallest_auc_of_one_rater": results.smallest_auc,
        "krippendorff_alpha": None if results.alpha is None else asdict(results.alpha),
        "cases": _cases(results),
    }


def _cases(results: Results) -> list[dict[str, Any]]:
    """Every case unblinded, with each rater's score and comment."""
    return [
        {
            **asdict(case),
            "scores": {one.rater: one.answers[case.blinded_id].score for one in results.ratings},
            "comments": {
                one.rater: comment for one in results.ratings if (comment := one.answers[case.blinded_id].comment)
            },
        }
        for case in results.key.shown
    ]
