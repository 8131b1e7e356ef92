"""The pigeonhole bootstrap: its interval and p-value agree, and it is wrong where few folds differ."""

from __future__ import annotations

import numpy as np
import pytest

from synthtrial.trial.crossed import crossed_test
from synthtrial.trial.pigeonhole import percentile_effect, pigeonhole_test


def simulate(rng, model, patient, residual=1.0, effect=0.0, n_models=5, n_patients=30):
    """Differences of one trial with the given standard deviations."""
    return (
        effect
        + model * rng.standard_normal((n_models, 1))
        + patient * rng.standard_normal((1, n_patients))
        + residual * rng.standard_normal((n_models, n_patients))
    )


def test_interval_and_p_value_agree():
    rng = np.random.default_rng(0)
    for _ in range(200):
        table = simulate(rng, *rng.uniform(0, 1, 2), effect=rng.uniform(-1, 1))
        result = pigeonhole_test(table, 0.05, rng, draws=399)
        assert (result.p < 0.05) == (result.ci_low > 0 or result.ci_high < 0)
        assert result.ci_low <= result.difference <= result.ci_high


def test_order_statistics_by_hand():
    # Of 39 draws and alpha 0.1, two on the rarer side of zero still agree with zero: the interval starts at the first.
    means = np.arange(-1.0, 38.0)
    result = percentile_effect(18.0, means, 0.1)
    assert (result.ci_low, result.ci_high) == (-1.0, 37.0)
    assert result.p == pytest.approx(2 * 3 / 40)


def test_no_difference_at_all():
    result = pigeonhole_test(np.zeros((3, 4)), 0.05, np.random.default_rng(0))
    assert (result.p, result.ci_low, result.ci_high, result.df) == (1.0, 0.0, 0.0, None)


def test_one_sorting_of_models_and_patients_serves_the_whole_table():
    """A table without residual: the draws' variance is that of both means, (F - 1) / F and (P - 1) / P times."""
    rng = np.random.default_rng(1)
    table = simulate(rng, 1, 1, residual=0, n_models=6, n_patients=8)
    models, patients = table.mean(1), table.mean(0)
    expected = models.var() / 6 + patients.var() / 8
    assert pigeonhole_test(table, 0.05, rng, draws=20000).standard_error ** 2 == pytest.approx(expected, rel=0.05)


def test_differences_between_strata_do_not_widen_it():
    rng = np.random.default_rng(2)
    strata = np.repeat(["a", "b"], 15)
    table = simulate(rng, 0, 0.1, residual=0.1) + np.where(strata == "a", 5.0, -5.0)
    within, overall = (pigeonhole_test(table, 0.05, rng, strata=groups).standard_error for groups in (strata, None))
    assert within < 0.1 * overall


def test_with_few_folds_that_differ_it_is_wrong_too_often_and_the_crossed_test_is_not():
    rng = np.random.default_rng(3)
    tables = [simulate(rng, 1, 0.3) for _ in range(600)]
    pigeonhole = np.mean([pigeonhole_test(table, 0.05, rng, draws=799).p < 0.05 for table in tables])
    crossed = np.mean([crossed_test(table).p < 0.05 for table in tables])
    assert pigeonhole > 0.08 > 0.07 > crossed


def test_where_patients_are_what_varies_it_holds():
    rng = np.random.default_rng(4)
    calls = [pigeonhole_test(simulate(rng, 0, 2), 0.05, rng, draws=799).p < 0.05 for _ in range(300)]
    assert np.mean(calls) < 0.09
