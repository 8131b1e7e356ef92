"""Variance components: found again where they are known."""

from __future__ import annotations

import numpy as np
import pytest

from synthtrial.trial.crossed import crossed_test
from synthtrial.trial.shares import components, study_shares
from synthtrial.trial.variance import crossed_variance, site_variance

FOLD, SEED, PATIENT, RESIDUAL = 0.09, 0.04, 0.25, 0.16
"""Variances of the made-up trials."""


def trial(rng, folds=5, repeats=3, patients=30):
    def draw(variance, *shape):
        return np.sqrt(variance) * rng.standard_normal(shape)

    return (
        draw(FOLD, folds, 1, 1)
        + draw(SEED, folds, repeats, 1)
        + draw(PATIENT, 1, 1, patients)
        + draw(RESIDUAL / 2, folds, 1, patients)
        + draw(RESIDUAL / 2, folds, repeats, patients)
    )


def mean_parts(parts):
    return {source: np.mean([part[source] for part in parts]) for source in parts[0]}


def test_components_are_found_again_on_average():
    rng = np.random.default_rng(0)
    found = mean_parts([crossed_variance(trial(rng)).single() for _ in range(400)])
    assert found == pytest.approx({"seed": SEED, "fold": FOLD, "patient": PATIENT, "residual": RESIDUAL}, rel=0.12)


def test_with_one_repeat_fold_and_seed_stand_together():
    rng = np.random.default_rng(1)
    parts = [crossed_variance(trial(rng, repeats=1)).single() for _ in range(400)]
    assert all(part["seed"] is None for part in parts)
    assert np.mean([part["fold"] for part in parts]) == pytest.approx(FOLD + SEED, rel=0.12)


@pytest.mark.parametrize("repeats", [1, 3])
def test_the_parts_of_the_mean_are_its_squared_standard_error(repeats):
    differences = trial(np.random.default_rng(2), repeats=repeats)
    variance = crossed_variance(differences)
    error = crossed_test(differences.mean(1)).standard_error
    assert sum(part or 0 for part in variance.of_mean().values()) == pytest.approx(error**2)
    assert variance.error(repeats)[0] == pytest.approx(error)


def test_what_sites_differ_by_is_no_variance_of_patients():
    rng = np.random.default_rng(3)
    strata = np.repeat(["a", "b"], 15)
    differences = trial(rng) + np.where(strata == "a", 3.0, -3.0)
    assert crossed_variance(differences, strata).patient < 0.1 * crossed_variance(differences).patient


def test_nothing_varies():
    assert set(crossed_variance(np.full((3, 2, 4), 0.5)).single().values()) == {0.0}


def test_components_of_sites_are_found_again_on_average():
    rng = np.random.default_rng(4)
    sizes = (4, 9, 30, 12, 6)
    parts = []
    for _ in range(600):
        blocks = [
            0.3 * rng.standard_normal() + 0.2 * rng.standard_normal((3, 1)) + 0.5 * rng.standard_normal(size)
            + 0.4 * rng.standard_normal((3, size))
            for size in sizes
        ]  # fmt: skip
        parts.append(site_variance(blocks).single())
    found = mean_parts(parts)
    assert found == pytest.approx({"seed": 0.04, "fold": 0.09, "patient": 0.25, "residual": 0.16}, rel=0.15)


def test_the_parts_of_the_sites_mean_are_its_squared_standard_error():
    rng = np.random.default_rng(5)
    blocks = [rng.standard_normal() + rng.standard_normal((2, 1)) + rng.standard_normal((2, n)) for n in (5, 8, 11)]
    variance = site_variance(blocks)
    means = np.array([block.mean() for block in blocks])
    assert sum(part or 0 for part in variance.of_mean().values()) == pytest.approx(means.var(ddof=1) / 3)


def test_components_of_a_factorial_table_by_hand():
    # Rows 1 apart, nothing else: their variance is 1/2, that of columns and of cells is 0.
    assert components(np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]), ("row", "column")) == pytest.approx(
        {("row",): 0.5, ("column",): 0.0, ("row", "column"): 0.0}
    )


def test_shares_of_a_study_sum_to_one_and_name_what_differs():
    rng = np.random.default_rng(6)
    noise = 0.1 * rng.standard_normal((3, 5, 2, 20))
    for source, shape in {
        "arm": (3, 1, 1, 1),
        "fold": (1, 5, 1, 1),
        "seed": (3, 5, 2, 1),
        "patient": (1, 1, 1, 20),
    }.items():
        shares = study_shares(noise + rng.standard_normal(shape))
        assert sum(shares.values()) == pytest.approx(1)
        assert max(shares, key=shares.get) == source and shares[source] > 0.8
    assert study_shares(noise[:, :, :1])["seed"] is None


def test_unbalanced_shares_are_found_on_average():
    rng = np.random.default_rng(7)
    tables = [
        rng.standard_normal((6, 1)) + 2 * rng.standard_normal((1, 8)) + rng.standard_normal((6, 8)) for _ in range(600)
    ]
    found = [components(table, ("a", "b")) for table in tables]
    assert np.mean([f["a",] for f in found]) == pytest.approx(1, rel=0.15)
    assert np.mean([f["b",] for f in found]) == pytest.approx(4, rel=0.15)
    assert np.mean([f["a", "b"] for f in found]) == pytest.approx(1, rel=0.15)
