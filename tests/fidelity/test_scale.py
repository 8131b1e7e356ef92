"""Values, floors, ceilings and intervals of metrics over random halves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.cases import real_cases
from synthtrial.fidelity.features.random_conv import RandomConv
from synthtrial.fidelity.scale import SET_METRICS, FeatureSets, SetMetric, check_features, extract_sets, measure_sets


def sets(real: np.ndarray, synthetic: np.ndarray, patients: tuple[str, ...] = ()) -> FeatureSets:
    """Features of images alone, with far away noise."""
    noise = np.random.default_rng(9).normal(20, 1, (min(len(real), len(synthetic)) // 2, real.shape[1]))
    every = patients or tuple(map(str, range(len(real))))
    return FeatureSets("made_up", every, {"image": real}, {"image": synthetic}, {"image": noise})


def gaussians(n: int, d: int = 3, mean: float = 0.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 1, (n, d))


def test_synthetic_cases_lie_between_floor_and_ceiling() -> None:
    measured, left_out = measure_sets(
        sets(gaussians(60), gaussians(60, mean=2, seed=1)), repeats=20, rng=np.random.default_rng(0)
    )
    assert not left_out
    assert set(measured) == {f"{metric.name}/made_up_n30" for metric in SET_METRICS}
    for metric in SET_METRICS:
        one = measured[f"{metric.name}/made_up_n30"]
        ends = sorted([one.floor, one.ceiling])
        assert ends[0] <= one.value <= ends[1]
        assert one.low <= one.value <= one.high
        assert (one.floor < one.ceiling) == (metric.better == "lower")


def test_equal_distributions_are_at_the_floor() -> None:
    measured, _ = measure_sets(sets(gaussians(80), gaussians(80, seed=1)), repeats=30, rng=np.random.default_rng(0))
    one = measured["frechet/made_up_n40"]
    assert one.low < one.floor < one.high
    assert abs(measured["kernel/made_up_n40"].value) < 0.3


def test_the_interval_of_a_mean_covers_it_as_often_as_it_says() -> None:
    """The spread over halves is the standard error of the whole: 95 % of intervals hold the truth."""
    metric = SetMetric("difference", lambda real, synthetic: float(synthetic.mean() - real.mean()), "lower", 2)
    covered = 0
    for seed in range(200):
        features = sets(gaussians(40, 1, 0.0, 2 * seed), gaussians(40, 1, 0.5, 2 * seed + 1))
        measured, _ = measure_sets(features, repeats=60, rng=np.random.default_rng(seed), metrics=[metric])
        one = measured["difference/made_up_n20"]
        covered += one.low <= 0.5 <= one.high
    assert 0.88 <= covered / 200 <= 0.99


def test_halves_hardly_share_patients() -> None:
    """Ten images of each patient are alike: halves that shared patients would look far too close."""
    patients = np.repeat(np.arange(8), 10)
    real = gaussians(8, seed=3)[patients] + 0.01 * gaussians(80, seed=4)
    apart, _ = measure_sets(sets(real, real, tuple(map(str, patients))), repeats=40, rng=np.random.default_rng(0))
    mixed, _ = measure_sets(sets(real, real), repeats=40, rng=np.random.default_rng(0))
    assert apart["frechet/made_up_n40"].floor > 3 * mixed["frechet/made_up_n40"].floor


def test_what_few_cases_do_not_allow_is_left_out_with_the_number_that_it_needs() -> None:
    measured, left_out = measure_sets(sets(gaussians(9), gaussians(40)), repeats=5, rng=np.random.default_rng(0))
    assert "precision/made_up_n4" in measured
    assert left_out["coverage/made_up"] == "needs 12 real and 12 synthetic cases, here are 9 and 40"
    assert not any(name.startswith("coverage") for name in measured)


def test_every_metric_has_its_least_number_right() -> None:
    for metric in SET_METRICS:
        metric.function(gaussians(metric.least), gaussians(metric.least, seed=1))
        with pytest.raises(SynthtrialError):
            metric.function(gaussians(metric.least - 1), gaussians(metric.least - 1, seed=1))


def test_views_have_names_of_their_own(make_cohort: Callable[..., PreparedCohort]) -> None:
    cohort = make_cohort(shape=(16, 16))
    cases = real_cases(cohort, cohort.development)
    extractor = RandomConv(spatial_dims=2, filters=4, levels=1)
    features = extract_sets(cases, cases, extractor, 4, np.random.default_rng(0))
    measured, _ = measure_sets(features, repeats=2, rng=np.random.default_rng(0))
    n = len(cases) // 2
    for view in ("", "_mask", "_pair"):
        assert measured[f"frechet{view}/random_conv_n{n}"].value < measured[f"frechet{view}/random_conv_n{n}"].ceiling


def test_features_that_are_not_numbers_are_named() -> None:
    broken = gaussians(10)
    broken[4, 1] = np.nan
    with pytest.raises(SynthtrialError, match="1 synthetic case.s., the first of them number 5"):
        check_features(sets(gaussians(10), broken))
