"""The crossed test: by hand, in its limits, and by how often it is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from synthtrial.errors import ConfigError
from synthtrial.trial.crossed import crossed_test, mean_squares


def simulate(rng, n_models, n_patients, model, patient, residual, effect=0.0):
    """Differences of one trial with the given standard deviations."""
    return (
        effect
        + model * rng.standard_normal((n_models, 1))
        + patient * rng.standard_normal((1, n_patients))
        + residual * rng.standard_normal((n_models, n_patients))
    )


def test_mean_squares_by_hand():
    # Row means 1, 4; column means 2, 2.5, 3; grand mean 2.5; residuals +-0.5, 0, -+0.5.
    squares = mean_squares(np.array([[0.0, 1.0, 2.0], [4.0, 4.0, 4.0]]))
    assert squares == pytest.approx((13.5, 0.5, 0.5, 1, 2, 2))


def test_mean_squares_within_strata_by_hand():
    # Patients 0, 1 of one site, 2, 3 of another, which lies 10 higher: within sites their means differ by 2 and by 0.
    squares = mean_squares(np.array([[0.0, 2.0, 11.0, 11.0], [0.0, 2.0, 11.0, 11.0]]), np.array(["a", "a", "b", "b"]))
    assert squares == pytest.approx((0, 2 * (1 + 1) / 2, 0, 1, 2, 2))


def test_both_components_by_hand():
    table = np.array([[1.0, 2.0, 3.0], [3.0, 4.0, 8.0]])
    ms_model, ms_patient, ms_residual = 13.5, 6.5, 1.5
    assert mean_squares(table)[:3] == pytest.approx((ms_model, ms_patient, ms_residual))
    result = crossed_test(table)
    total = ms_model + ms_patient - ms_residual
    assert result.difference == pytest.approx(3.5)
    assert result.standard_error == pytest.approx(np.sqrt(total / 6))
    # MS_model has one degree of freedom: it is taken at its upper bound, over the lower quartile of chi square.
    bound = ms_model / stats.chi2.ppf(0.25, 1)
    upper = (bound + ms_patient - ms_residual) ** 2 / (bound**2 / 1 + ms_patient**2 / 2 + ms_residual**2 / 2)
    assert 1 < result.df == pytest.approx(upper)
    assert result.df < total**2 / (ms_model**2 / 1 + ms_patient**2 / 2 + ms_residual**2 / 2)


def test_without_variance_between_models_it_is_the_paired_t_test_over_patients():
    rng = np.random.default_rng(0)
    patients = 0.1 + rng.standard_normal(20)
    # Deviations of two models that cancel within each patient and sum to zero within each model: MS_model is 0.
    wobble = rng.standard_normal(20)
    wobble -= wobble.mean()
    result = crossed_test(np.stack([patients + 0.01 * wobble, patients - 0.01 * wobble]))
    expected = stats.ttest_1samp(patients, 0)
    assert result.p == pytest.approx(expected.pvalue)
    assert (result.ci_low, result.ci_high) == pytest.approx(tuple(expected.confidence_interval(0.95)))


def test_without_variance_between_patients_it_is_the_paired_t_test_over_models():
    models = np.array([0.03, 0.01, 0.02, 0.05, 0.01])
    result = crossed_test(np.repeat(models[:, None], 12, axis=1))
    assert result.p == pytest.approx(stats.ttest_1samp(models, 0).pvalue)


def test_no_difference_at_all():
    result = crossed_test(np.zeros((3, 4)))
    assert (result.p, result.ci_low, result.ci_high) == (1.0, 0.0, 0.0)


def test_interval_and_p_value_agree():
    rng = np.random.default_rng(1)
    for _ in range(200):
        result = crossed_test(simulate(rng, 5, 12, *rng.uniform(0, 1, 3), effect=rng.uniform(-0.5, 0.5)), alpha=0.1)
        assert (result.p < 0.1) == (result.ci_low > 0 or result.ci_high < 0)


def test_the_sign_turns_with_the_differences():
    table = simulate(np.random.default_rng(2), 5, 9, 0.3, 0.3, 1.0)
    there, back = crossed_test(table), crossed_test(-table)
    assert there.p == pytest.approx(back.p) and there.ci_low == pytest.approx(-back.ci_high)


@pytest.mark.parametrize(
    ("model", "patient", "residual"),
    [(1, 1, 1), (0, 1, 1), (1, 0, 1), (0, 0, 1), (0.1, 0.5, 1), (0.05, 0.3, 1), (1, 0.1, 0.1)],
)
@pytest.mark.parametrize(("n_models", "n_patients"), [(5, 30), (5, 6)])
def test_it_calls_a_null_arm_different_in_5_percent_of_trials_or_fewer(n_models, n_patients, model, patient, residual):
    assert error_rate(n_models, n_patients, model, patient, residual, trials=1000) <= MOST_OF_1000


@pytest.mark.slow
@pytest.mark.parametrize(("model", "patient"), [(1, 1), (1.5, 1.5), (2, 2), (0.3, 0.2), (0.1, 3)])
@pytest.mark.parametrize(("n_models", "n_patients"), [(3, 30), (4, 30), (5, 30), (5, 100), (10, 30)])
def test_its_error_rate_where_few_folds_mislead_most(n_models, n_patients, model, patient):
    """Satterthwaite's degrees of freedom alone reach 5.8 % with five models, and 7.6 % with three."""
    assert error_rate(n_models, n_patients, model, patient, 1, trials=8000) <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / 8000)


def test_without_the_bounds_few_models_would_mislead(monkeypatch):
    """Both means and components of this trial are those where the test would be most wrong."""
    held = error_rate(3, 30, 1.5, 1.5, 1, trials=2000)
    monkeypatch.setattr("synthtrial.trial.crossed._upper_bound", lambda mean_square, df: mean_square)
    assert held <= 0.065 < error_rate(3, 30, 1.5, 1.5, 1, trials=2000)


def error_rate(n_models, n_patients, model, patient, residual, trials) -> float:
    """How often arms without an effect are called different."""
    rng = np.random.default_rng(3)
    tables = (simulate(rng, n_models, n_patients, model, patient, residual) for _ in range(trials))
    return float(np.mean([crossed_test(table).p < 0.05 for table in tables]))


MOST_OF_1000 = 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / 1000)
"""A rate of 5 % is above this in one of 160 samples of 1000 trials."""


@pytest.mark.parametrize(("between", "interaction"), [(0, 0), (2, 0), (1, 0.5)])
def test_within_sites_a_null_arm_is_called_different_no_more_often(between, interaction):
    rng = np.random.default_rng(6)
    calls = [stratified_p(rng, between, interaction) < 0.05 for _ in range(1000)]
    assert np.mean(calls) <= MOST_OF_1000


def test_where_sites_differ_strata_find_more():
    rng = np.random.default_rng(7)
    found = np.array([[*both_p(rng, between=1.5, effect=0.45)] for _ in range(300)]) < 0.05
    with_strata, without = found.mean(0)
    assert with_strata > without + 0.2


def test_where_sites_are_alike_strata_cost_little():
    rng = np.random.default_rng(8)
    found = np.array([[*both_p(rng, between=0, effect=0.45)] for _ in range(300)]) < 0.05
    with_strata, without = found.mean(0)
    assert abs(with_strata - without) < 0.05


SITES = np.repeat(["a", "b", "c"], (14, 10, 6))


def both_p(rng, between, interaction=0.0, effect=0.0) -> tuple[float, float]:
    """p with and without strata; the differences of sites balance out over this trial's patients."""
    shift = between * np.array([1.0, -1.0, -2 / 3])
    table = simulate(rng, 5, 30, 0.1, 0.5, 1, effect) + np.repeat(shift, (14, 10, 6))
    table += np.repeat(interaction * rng.standard_normal((5, 3)), (14, 10, 6), axis=1)
    return crossed_test(table, strata=SITES).p, crossed_test(table).p


def stratified_p(rng, between, interaction) -> float:
    return both_p(rng, between, interaction)[0]


def test_repeats_taken_for_folds_would_be_wrong():
    """Three repeats of five folds that differ are five models, not fifteen."""
    rng = np.random.default_rng(9)
    averaged, counted = [], []
    for _ in range(400):
        folds = rng.standard_normal((5, 1, 1))
        trial = folds + 0.3 * rng.standard_normal((5, 3, 1)) + 0.5 * rng.standard_normal((5, 3, 30))
        averaged.append(crossed_test(trial.mean(1)).p < 0.05)
        counted.append(crossed_test(trial.reshape(15, 30)).p < 0.05)
    assert np.mean(averaged) <= 0.08 and np.mean(counted) > 0.2


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(10)
    results = [crossed_test(simulate(rng, 5, 30, 0.5, 0.5, 1, effect=0.7), alpha=0.1) for _ in range(600)]
    assert np.mean([result.ci_low <= 0.7 <= result.ci_high for result in results]) >= 0.87


def test_power_grows_with_the_effect():
    found = []
    for effect in (0, 0.3, 0.6, 0.9):
        rng = np.random.default_rng(11)
        found.append(np.mean([crossed_test(simulate(rng, 5, 30, 0.3, 0.5, 1, effect)).p < 0.05 for _ in range(200)]))
    assert found == sorted(found) and found[0] < 0.1 and found[-1] > 0.9


def test_it_finds_an_effect_of_three_standard_errors():
    rng = np.random.default_rng(4)
    standard_error = np.sqrt(0.1**2 / 5 + 0.5**2 / 40 + 1 / 200)
    tables = (simulate(rng, 5, 40, 0.1, 0.5, 1.0, effect=3 * standard_error) for _ in range(300))
    assert np.mean([crossed_test(table).p < 0.05 for table in tables]) > 0.7


def test_wilcoxon_over_patients_takes_the_luck_of_training_for_an_effect():
    """Why this test is here: with variance between trainings the usual one is wrong most of the time."""
    rng = np.random.default_rng(5)
    tables = [simulate(rng, 5, 40, 1.0, 0.5, 1.0) for _ in range(200)]
    usual = np.mean([stats.wilcoxon(table.mean(0)).pvalue < 0.05 for table in tables])
    crossed = np.mean([crossed_test(table).p < 0.05 for table in tables])
    assert usual > 0.5 and crossed < 0.1


@pytest.mark.parametrize("shape", [(1, 10), (5, 1)])
def test_one_model_or_one_patient_is_refused(shape):
    with pytest.raises(ConfigError, match="at least 2 fold models and 2 test patients"):
        crossed_test(np.ones(shape))
