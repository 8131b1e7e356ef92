from __future__ import annotations

import numpy as np
import pytest

from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.metrics import mmd
from synthtrial.fidelity.metrics.kernel import kernel_distance, kernel_distance_with_error
from synthtrial.fidelity.metrics.mmd import gaussian_mmd, median_distance

METRICS = [kernel_distance, gaussian_mmd]


def normal(rng: np.random.Generator, n: int, d: int = 6, shift: float = 0.0) -> np.ndarray:
    return rng.standard_normal((n, d)) + shift


def test_kernel_distance_by_hand() -> None:
    real, synthetic = np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]])
    # k(0, 1) = 1; k(1, 2) = 27; across: k(0, 1) = 1, k(0, 2) = 1, k(1, 1) = 8, k(1, 2) = 27
    assert kernel_distance(real, synthetic) == pytest.approx(1 + 27 - 2 * (1 + 1 + 8 + 27) / 4)


def test_gaussian_mmd_by_hand() -> None:
    real, synthetic = np.array([[0.0], [2.0]]), np.array([[0.0], [4.0]])
    near, far = np.exp(-(2**2) / (2 * 2**2)), np.exp(-(4**2) / (2 * 2**2))  # the median real distance is 2
    assert gaussian_mmd(real, synthetic) == pytest.approx(near + far - 2 * (1 + far + near + near) / 4)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("n_real", "n_synthetic"), [(10, 10), (20, 8)])
def test_unbiased_at_zero_for_equal_distributions(metric, n_real: int, n_synthetic: int) -> None:
    rng = np.random.default_rng(0)
    values = np.array([metric(normal(rng, n_real), normal(rng, n_synthetic)) for _ in range(600)])
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(len(values))
    assert 0.3 < (values < 0).mean() < 0.7


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_standard_error_is_the_spread_of_repeats_or_a_little_more(shift: float) -> None:
    rng = np.random.default_rng(1)
    values, errors = np.transpose(
        [kernel_distance_with_error(normal(rng, 40), normal(rng, 30, shift=shift)) for _ in range(400)]
    )
    assert 0.9 < np.sqrt((errors**2).mean()) / values.std() < (1.55 if shift == 0 else 1.25)


def test_standard_error_equals_leaving_cases_out_one_by_one() -> None:
    rng = np.random.default_rng(2)
    real, synthetic = normal(rng, 7), normal(rng, 9, shift=0.3)
    without_real = [kernel_distance(np.delete(real, k, axis=0), synthetic) for k in range(7)]
    without_synthetic = [kernel_distance(real, np.delete(synthetic, k, axis=0)) for k in range(9)]
    value, error = kernel_distance_with_error(real, synthetic)
    assert value == kernel_distance(real, synthetic)
    assert error**2 == pytest.approx(6 * np.var(without_real) + 8 * np.var(without_synthetic))


@pytest.mark.parametrize("metric", METRICS)
def test_grows_with_the_shift_and_is_symmetric_in_the_cases(metric) -> None:
    rng = np.random.default_rng(3)
    real, synthetic = normal(rng, 60), normal(rng, 50)
    values = [metric(real, synthetic + shift) for shift in (0, 0.3, 0.6, 1.2)]
    assert values == sorted(values) and values[-1] > 10 * abs(values[0])
    assert metric(real[::-1], synthetic[::-1]) == pytest.approx(metric(real, synthetic), abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_blocks_do_not_change_the_value(metric, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    real, synthetic = normal(rng, 31), normal(rng, 23)
    whole = metric(real, synthetic)
    monkeypatch.setattr(mmd, "BLOCK_VALUES", 100)
    assert metric(real, synthetic) == pytest.approx(whole, abs=1e-12)


def test_the_real_cases_alone_set_the_width() -> None:
    rng = np.random.default_rng(5)
    assert median_distance(np.array([[0.0], [1.0], [3.0]])) == 2
    real = normal(rng, 40)
    assert gaussian_mmd(10 * real, 10 * (real + 1)) == pytest.approx(gaussian_mmd(real, real + 1))
    assert gaussian_mmd(real, real + 1000) == pytest.approx(gaussian_mmd(real, real + 2000))


def test_an_offset_of_all_features_does_not_change_the_gaussian() -> None:
    rng = np.random.default_rng(6)
    real, synthetic = normal(rng, 40), normal(rng, 40, shift=0.5)
    assert gaussian_mmd(real + 1e6, synthetic + 1e6) == pytest.approx(gaussian_mmd(real, synthetic), rel=1e-6)


@pytest.mark.parametrize("metric", [*METRICS, kernel_distance_with_error])
@pytest.mark.parametrize(
    ("real", "synthetic", "message"),
    [
        (np.zeros((1, 4)), np.ones((5, 4)), "needs at least [23]"),
        (np.zeros((5, 4)), np.zeros((5, 3)), "can't be compared"),
        (np.zeros((5, 4)), np.full((5, 4), np.inf), "synthetic.* row 0"),
    ],
)
def test_sets_without_a_distance_are_refused(metric, real: np.ndarray, synthetic: np.ndarray, message: str) -> None:
    with pytest.raises(SynthtrialError, match=message):
        metric(real, synthetic)


def test_sets_without_variance() -> None:
    with pytest.raises(SynthtrialError, match="constant, or copies"):
        gaussian_mmd(np.ones((5, 3)), np.zeros((5, 3)))
    assert kernel_distance(np.ones((5, 3)), np.zeros((5, 3))) == pytest.approx(2**3 + 1 - 2)
