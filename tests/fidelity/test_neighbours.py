from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.metrics.neighbours import coverage, density, neighbour_distances, precision, recall


def on_a_line(*places: float) -> np.ndarray:
    """Cases on a diagonal line in the plane, at these distances from its start."""
    return np.array(places)[:, None] * np.array([[0.6, 0.8]]) + 100


REAL = on_a_line(0, 1, 2, 10)
"""With k = 2 the radii are 2, 1, 2 and 9: the balls are [-2, 2], [0, 2], [0, 4] and [1, 19]."""

SYNTHETIC = on_a_line(-1, 0.5, 3, 30, 31)
"""They lie in 1, 3 (of cases 0, 1, 2), 2 (of cases 2, 3), 0 and 0 balls. With k = 2 their own radii are 4, 2.5, 4, 27
and 28: the balls are [-5, 3], [-2, 3], [-1, 7], [3, 57] and [3, 59]."""


def test_radii() -> None:
    assert neighbour_distances(REAL, 2) == pytest.approx([2, 1, 2, 9])
    assert neighbour_distances(SYNTHETIC, 2) == pytest.approx([4, 2.5, 4, 27, 28])


def test_clouds_by_hand() -> None:
    assert precision(REAL, SYNTHETIC, k=2) == pytest.approx(3 / 5)
    assert recall(REAL, SYNTHETIC, k=2) == pytest.approx(4 / 4)
    assert density(REAL, SYNTHETIC, k=2) == pytest.approx((1 + 3 + 2) / (2 * 5))
    assert coverage(REAL, SYNTHETIC, k=2) == pytest.approx(4 / 4)
    few = on_a_line(-1, 30, 31)
    assert precision(REAL, few, k=2) == pytest.approx(1 / 3)
    assert coverage(REAL, few, k=2) == pytest.approx(1 / 4)
    assert recall(REAL, on_a_line(9, 9.5, 11), k=2) == pytest.approx(1 / 4)


def test_a_lost_mode_lowers_recall_and_coverage_but_not_precision() -> None:
    rng = np.random.default_rng(0)
    modes = [rng.normal(centre, 0.5, (50, 3)) for centre in (0, 10)]
    real, one_mode = np.concatenate(modes), rng.normal(0, 0.5, (100, 3))
    assert precision(real, one_mode) > 0.8 and density(real, one_mode) > 0.8
    assert recall(real, one_mode) <= 0.5 and coverage(real, one_mode) <= 0.5


def test_cases_far_away_have_no_precision_and_reach_nothing() -> None:
    rng = np.random.default_rng(1)
    real, far = rng.standard_normal((30, 4)), rng.standard_normal((30, 4)) + 100
    assert [metric(real, far) for metric in (precision, recall, density, coverage)] == [0, 0, 0, 0]


def test_an_outlier_misleads_precision_but_hardly_density() -> None:
    rng = np.random.default_rng(2)
    real = np.concatenate([rng.standard_normal((50, 4)), np.full((1, 4), 100.0)])
    between = rng.standard_normal((50, 4)) + 50
    assert precision(real, between) == 1
    assert density(real, between) == pytest.approx(1 / 5)


def test_expectations_for_equal_distributions() -> None:
    rng = np.random.default_rng(3)
    n, m, k = 12, 9, 5
    sets = [(rng.standard_normal((n, 2)), rng.standard_normal((m, 2))) for _ in range(400)]
    densities = np.array([density(*both) for both in sets])
    coverages = np.array([coverage(*both) for both in sets])
    expected = 1 - np.prod([(n - i) / (m + n - i) for i in range(1, k + 1)])
    assert abs(densities.mean() - 1) < 3 * densities.std() / 20
    assert abs(coverages.mean() - expected) < 3 * coverages.std() / 20


def test_copies_are_inside_however_they_are_rounded() -> None:
    real = np.random.default_rng(4).standard_normal((40, 100)) * 1e3 + 1e5
    copies = real[::-1].copy()
    assert precision(real, copies) == recall(real, copies) == coverage(real, copies) == 1
    assert density(real, copies) == pytest.approx(6 / 5)  # each ball holds its 5 neighbours and its centre


def test_a_generator_that_makes_one_image_has_no_recall() -> None:
    real = np.random.default_rng(5).standard_normal((40, 3))
    collapsed = np.repeat(real[:1] + 0.01, 40, axis=0)
    assert precision(real, collapsed) == 1
    assert recall(real, collapsed) == 0
    assert coverage(real, collapsed) < 0.5


@pytest.mark.parametrize("metric", [precision, density, coverage])
def test_too_few_real_cases(metric) -> None:
    assert metric(np.eye(4), np.eye(4)[:1], k=3) > 0
    with pytest.raises(SynthtrialError, match=f"{metric.__name__} of 3 and 1 cases .* at least 4 "):
        metric(np.eye(4)[:3], np.eye(4)[:1], k=3)


def test_recall_needs_synthetic_cases() -> None:
    with pytest.raises(SynthtrialError, match="recall of 4 and 3 cases .* 4 of the second"):
        recall(np.eye(4), np.eye(4)[:3])


def test_memory_does_not_grow_with_the_square_of_the_cases() -> None:
    features = np.random.default_rng(6).standard_normal((6_000, 2))
    precision(features[:100], features[:100])
    tracemalloc.start()
    precision(features, features[::-1])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 160 * 2**20  # all distances at once would be 275 MiB
