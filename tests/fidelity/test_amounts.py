"""Distances of synthetic sets of several sizes."""

from __future__ import annotations

import numpy as np

from synthtrial.fidelity.amounts import amount_table
from synthtrial.fidelity.metrics.frechet import frechet_distance
from synthtrial.fidelity.metrics.inception_score import inception_score
from synthtrial.fidelity.scale import FeatureSets


def sets(n_real: int, n_synthetic: int) -> FeatureSets:
    rng = np.random.default_rng(0)
    real, synthetic, noise = (rng.normal(size=(n, 4)) for n in (n_real, n_synthetic, 2))
    patients = tuple(map(str, range(n_real)))
    return FeatureSets("made_up", patients, {"image": real}, {"image": synthetic}, {"image": noise})


def test_progressive_sets_hold_the_smaller_ones_and_independent_ones_share_nothing() -> None:
    features = sets(20, 60)
    table = amount_table(features, [0.5, 1.0]).query("metric.str.startswith('frechet')").set_index(["method", "share"])
    real, drawn = features.real["image"], features.synthetic["image"]
    expected = {
        ("progressive", 0.5): drawn[:10],
        ("progressive", 1.0): drawn[:20],
        ("independent", 0.5): drawn[:10],
        ("independent", 1.0): drawn[10:30],
    }
    assert set(table.index) == set(expected)
    for key, part in expected.items():
        assert table.at[key, "value"] == frechet_distance(real, part)
        assert table.at[key, "metric"] == f"frechet/made_up_n{len(part)}"


def test_independent_sets_need_as_many_cases_as_all_together() -> None:
    methods = set(amount_table(sets(20, 29), [0.5, 1.0])["method"])
    assert methods == {"progressive"}


def test_sets_larger_than_what_was_drawn_are_left_out() -> None:
    assert set(amount_table(sets(20, 12), [0.5, 1.0])["share"]) == {0.5}


def test_no_shares_give_an_empty_table_with_columns() -> None:
    table = amount_table(sets(20, 20), [])
    assert table.empty and "method" in table


def test_a_classifier_scores_the_same_sets_under_its_name() -> None:
    probabilities = np.random.default_rng(1).dirichlet(np.ones(5), 60)
    table = amount_table(sets(20, 60), [0.5, 1.0], probabilities)
    scores = table[table["metric"].str.startswith("inception_score")].set_index(["method", "share"])
    parts = {
        ("progressive", 1.0): slice(0, 20),
        ("independent", 0.5): slice(0, 10),
        ("independent", 1.0): slice(10, 30),
    }
    for key, part in parts.items():
        assert scores.at[key, "value"] == inception_score(probabilities[part])[0]
        assert scores.at[key, "metric"] == f"inception_score/made_up_n{part.stop - part.start}"
    assert len(table) == 3 * 4, "three metrics, two methods of two sizes"
