"""One arm against the reference: the test that suits the protocol, and what goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from synthtrial.errors import ConfigError
from synthtrial.trial.crossed import crossed_test
from synthtrial.trial.effect import Effect
from synthtrial.trial.pigeonhole import pigeonhole_test
from synthtrial.trial.power import repeats_to_halve, smallest_detectable
from synthtrial.trial.sites import site_test
from synthtrial.trial.variance import CrossedVariance, SiteVariance, crossed_variance, site_variance

BOOTSTRAP_SEED = 0
"""The same draws for every arm, so that an arm's interval does not depend on which others there are."""


@dataclass(frozen=True)
class Analysis:
    """What the statistics say of one arm.

    Attributes:
        effect: of the test that the verdict rests on.
        bootstrap: of the pigeonhole bootstrap, for comparison; None in protocol `site_out`, whose few sites give no
            bootstrap worth its name.
        variance: components of the differences.
        smallest_detectable: with 80 % power, at the level of Holm's first step.
        repeats_to_halve: repeats per fold that would halve it; None where no number does, or it can't be told.
        halving: when it is None, why, and what would help.
    """

    effect: Effect
    bootstrap: Effect | None
    variance: CrossedVariance | SiteVariance
    smallest_detectable: float
    repeats_to_halve: int | None
    halving: str


def analyse_crossed(differences: np.ndarray, strata: np.ndarray | None, alpha: float, n_arms: int) -> Analysis:
    """Analyse a trial in which every model judges every patient.

    Args:
        differences: arm minus reference, `(folds, repeats, patients)`.
        strata: stratum of each patient, or None.
        alpha: of the verdict.
        n_arms: arms that are compared with the reference.
    """
    table = differences.mean(1)
    effect = crossed_test(table, alpha, strata)
    bootstrap = pigeonhole_test(table, alpha, np.random.default_rng(BOOTSTRAP_SEED), strata=strata)
    variance = crossed_variance(differences, strata)
    return _with_power(effect, bootstrap, variance, differences.shape[1], alpha / n_arms)


def analyse_sites(blocks: Sequence[np.ndarray], alpha: float, n_arms: int) -> Analysis:
    """Analyse a trial in which each model judges the site that it left out.

    Args:
        blocks: arm minus reference of each site, `(repeats, patients)`.
        alpha: of the verdict.
        n_arms: arms that are compared with the reference.
    """
    effect = site_test([block.mean() for block in blocks], alpha)
    return _with_power(effect, None, site_variance(blocks), blocks[0].shape[0], alpha / n_arms)


def stacked(folds: Sequence[pd.DataFrame]) -> np.ndarray:
    """Values `(folds, repeats, patients)` of folds that judge the same patients, a row per repeat in each table.

    Raises:
        ConfigError: when they don't judge the same patients, as often.
    """
    first = folds[0]
    if not all(fold.index.equals(first.index) and fold.columns.equals(first.columns) for fold in folds):
        raise ConfigError(
            "the folds have not judged the same patients in the same number of repeats, which every protocol but "
            "site_out needs: run the arm again"
        )
    return np.stack([fold.to_numpy() for fold in folds])


def _with_power(
    effect: Effect,
    bootstrap: Effect | None,
    variance: CrossedVariance | SiteVariance,
    repeats: int,
    alpha: float,
) -> Analysis:
    """Add what the trial could have seen; `alpha` is that of one arm."""
    assert effect.df is not None
    number, halving = _halving(variance, repeats, alpha)
    smallest = smallest_detectable(effect.standard_error, effect.df, alpha)
    return Analysis(effect, bootstrap, variance, smallest, number, halving)


def _halving(variance: CrossedVariance | SiteVariance, repeats: int, alpha: float) -> tuple[int | None, str]:
    """The repeats that would halve the smallest detectable effect, or why there is no such number."""
    if variance.seed is None:
        best = repeats_to_halve(variance.all_seed().error, repeats, alpha)
        if best is not None:
            return None, f"{best} or more, if seeds differ and not folds: protocol.repeats=2 would tell"
        return None, f"no number of repeats: {_what_helps(variance)}"
    number = repeats_to_halve(variance.error, repeats, alpha)
    return number, "" if number else f"no number of repeats: {_what_helps(variance)}"


def _what_helps(variance: CrossedVariance | SiteVariance) -> str:
    if isinstance(variance, SiteVariance):
        return "more sites would help"
    parts = {source: part or 0.0 for source, part in variance.of_mean().items()}
    return (
        "more folds would help"
        if parts["fold"] > parts["patient"] + parts["residual"]
        else "more test patients would help"
    )
