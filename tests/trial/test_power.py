"""What a trial could have seen: by simulation, and what repeats do to it."""

from __future__ import annotations

import numpy as np
import pytest

from synthtrial.trial.crossed import crossed_test
from synthtrial.trial.power import repeats_to_halve, smallest_detectable
from synthtrial.trial.variance import crossed_variance


def test_with_many_degrees_of_freedom_it_is_the_sum_of_two_normal_quantiles():
    assert smallest_detectable(1.0, 1e6, 0.05) == pytest.approx(1.959964 + 0.841621, abs=1e-3)


@pytest.mark.parametrize("df", [1.0, 2.5, 4.0, 40.0])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_a_t_test_finds_it_in_80_percent_of_trials(df, alpha):
    rng = np.random.default_rng(0)
    effect = smallest_detectable(1.0, df, alpha)
    from scipy.stats import t

    statistic = (effect + rng.standard_normal(40000)) / np.sqrt(rng.chisquare(df, 40000) / df)
    assert np.mean(abs(statistic) > t.ppf(1 - alpha / 2, df)) == pytest.approx(0.8, abs=0.01)


def test_a_crossed_trial_finds_the_effect_that_such_trials_say_they_could_see():
    rng = np.random.default_rng(1)

    def trial(effect):
        return effect + 0.2 * rng.standard_normal((5, 1)) + rng.standard_normal(30) + rng.standard_normal((5, 30))

    results = [crossed_test(trial(0)) for _ in range(200)]
    effect = np.median([smallest_detectable(result.standard_error, result.df, 0.05) for result in results])
    assert np.mean([crossed_test(trial(effect)).p < 0.05 for _ in range(400)]) == pytest.approx(0.8, abs=0.07)


def test_more_arms_ask_for_more():
    assert smallest_detectable(0.01, 6, 0.05 / 4) > smallest_detectable(0.01, 6, 0.05) > 0
    assert smallest_detectable(0.0, 6, 0.05) == 0


def test_repeats_halve_a_variance_that_is_the_seeds():
    assert repeats_to_halve(lambda repeats: (np.sqrt(1 / repeats), 10.0), 2, 0.05) == 8


def test_no_number_of_repeats_halves_a_variance_that_is_not_the_seeds():
    assert repeats_to_halve(lambda repeats: (np.sqrt(0.2 + 0.4 / repeats), 10.0), 2, 0.05) is None
    assert repeats_to_halve(lambda repeats: (0.0, 10.0), 2, 0.05) is None


def test_the_number_is_the_first_that_does():
    rng = np.random.default_rng(2)
    seeds = rng.standard_normal((5, 2, 1))
    differences = seeds - seeds.mean(1, keepdims=True) + 0.1 * rng.standard_normal((5, 2, 30))
    variance = crossed_variance(differences)
    number = repeats_to_halve(variance.error, 2, 0.05)
    assert number is not None
    now, before, then = (smallest_detectable(*variance.error(repeats), 0.05) for repeats in (2, number - 1, number))
    assert then <= now / 2 < before
