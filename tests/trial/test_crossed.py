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
    assert mean_squares(np.array([[0.0, 1.0, 2.0], [4.0, 4.0, 4.0]])) == pytest.approx((13.5, 0.5, 0.5))


def test_both_components_by_hand():
    table = np.array([[1.0, 2.0, 3.0], [3.0, 4.0, 8.0]])
    ms_model, ms_patient, ms_residual = 13.5, 6.5, 1.5
    assert mean_squares(table) == pytest.approx((ms_model, ms_patient, ms_residual))
    result = crossed_test(table)
    total = ms_model + ms_patient - ms_residual
    assert result.difference == pytest.approx(3.5)
    assert result.standard_error == pytest.approx(np.sqrt(total / 6))
    assert result.df == pytest.approx(total**2 / (ms_model**2 / 1 + ms_patient**2 / 2 + ms_residual**2 / 2))
    assert result.variance == pytest.approx({"model": 4.0, "patient": 2.5, "residual": 1.5})
    assert (result.n_models, result.n_patients) == (2, 3)


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
@pytest.mark.parametrize(("n_models", "n_patients"), [(5, 40), (5, 6)])
def test_it_calls_a_null_arm_different_in_about_5_percent_of_trials_or_fewer(
    n_models, n_patients, model, patient, residual
):
    rng = np.random.default_rng(3)
    trials = 1000
    calls = sum(
        crossed_test(simulate(rng, n_models, n_patients, model, patient, residual)).p < 0.05 for _ in range(trials)
    )
    # The true rate is at most 0.06 here; 0.075 is two standard errors of 1000 trials above that.
    assert calls / trials <= 0.075


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
