from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg

from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.metrics.frechet import covariance_factor, frechet_distance


def correlated(n: int, d: int, seed: int, scale: float = 1.0, shift: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixing = np.eye(d) + 0.2 * np.random.default_rng(99).standard_normal((d, d))
    return scale * rng.standard_normal((n, d)) @ mixing + shift


def textbook(first: np.ndarray, second: np.ndarray) -> float:
    covariance_1, covariance_2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    root = linalg.sqrtm(covariance_1 @ covariance_2).real
    means = ((first.mean(0) - second.mean(0)) ** 2).sum()
    return float(means + np.trace(covariance_1 + covariance_2 - 2 * root))


def test_gaussians_with_known_parameters() -> None:
    rng = np.random.default_rng(0)
    first = rng.standard_normal((10_000, 6)) * 2.0
    second = rng.standard_normal((10_000, 6)) * 0.5 + 1.0
    assert frechet_distance(first, second) == pytest.approx(6 * (1.0 + (2.0 - 0.5) ** 2), rel=0.01)


@pytest.mark.parametrize(("n_first", "n_second"), [(200, 300), (200, 15), (12, 15)])
def test_equals_the_textbook_formula(n_first: int, n_second: int) -> None:
    first, second = correlated(n_first, 16, 1), correlated(n_second, 16, 2, scale=1.3, shift=0.2)
    tolerance = 1e-9 if min(n_first, n_second) > 16 else 1e-5  # sqrtm of a singular matrix has half precision
    assert frechet_distance(first, second) == pytest.approx(textbook(first, second), rel=tolerance)


@pytest.mark.parametrize("n", [8, 32, 200])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_zero_for_equal_sets_and_symmetric(n: int, scale: float) -> None:
    first, second = correlated(n, 32, 1, scale), correlated(n + 3, 32, 2, scale=1.5 * scale)
    assert frechet_distance(first, first[::-1]) <= 1e-12 * first.var(axis=0).sum()
    assert frechet_distance(first, second) == pytest.approx(frechet_distance(second, first), rel=1e-12)


def test_zero_for_equal_sets_whose_variance_falls_steeply() -> None:
    first = correlated(300, 40, 1) * 10.0 ** -np.arange(40)
    assert frechet_distance(first, first[::-1]) <= 1e-12 * first.var(axis=0).sum()


def test_correlated_gaussians_at_ten_thousand_cases_are_within_a_percent_of_the_closed_form() -> None:
    mixings = [np.eye(8) + 0.3 * np.random.default_rng(seed).standard_normal((8, 8)) for seed in (1, 2)]
    rng = np.random.default_rng(0)
    first, second = (
        rng.standard_normal((10_000, 8)) @ mixing + shift for mixing, shift in zip(mixings, (0, 0.5), strict=True)
    )
    covariances = [mixing.T @ mixing for mixing in mixings]
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    closed_form = 8 * 0.5**2 + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(closed_form, rel=0.01)


def test_sets_without_variance_are_as_far_as_their_places() -> None:
    assert frechet_distance(np.zeros((3, 2)), np.full((4, 2), 3.0)) == 18


@pytest.mark.parametrize("n", [5, 16, 17, 60])
def test_factors_give_the_covariance(n: int) -> None:
    features = correlated(n, 16, 3)
    factor = covariance_factor(features)
    assert factor.shape == (min(n, 16), 16)
    assert np.allclose(factor.T @ factor, np.cov(features, rowvar=False))


def test_a_feature_that_never_changes_costs_no_precision() -> None:
    first, second = correlated(50, 8, 1), correlated(50, 8, 2)
    constant = np.full((50, 8), 7.0)
    with_constant = frechet_distance(np.hstack([first, constant]), np.hstack([second, constant]))
    assert with_constant == pytest.approx(frechet_distance(first, second), rel=1e-10)


def test_fewer_cases_raise_the_distance_of_equal_distributions() -> None:
    values = [frechet_distance(correlated(n, 16, 1), correlated(n, 16, 2)) for n in (10, 40, 160, 640)]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (np.zeros((1, 4)), np.zeros((5, 4)), "1 and 5 cases"),
        (np.zeros((5, 4)), np.zeros((5, 3)), "can't be compared"),
        (np.full((5, 4), np.nan), np.zeros((5, 4)), "NaN"),
    ],
)
def test_sets_without_a_distance_are_refused(first: np.ndarray, second: np.ndarray, message: str) -> None:
    with pytest.raises(SynthtrialError, match=message):
        frechet_distance(first, second)
