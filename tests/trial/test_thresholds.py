"""Thresholds: no other cut does better, and what happens at the edges."""

from __future__ import annotations

import numpy as np
import pytest

from synthtrial.errors import ConfigError
from synthtrial.trial.classifying.thresholds import RULES, check_rule, choose_threshold
from synthtrial.trial.protocol import protocol_of


def youden(truth, called) -> float:
    return called[truth].mean() + (~called[~truth]).mean() - 1


def f1(truth, called) -> float:
    return 2 * (truth & called).sum() / (truth.sum() + called.sum())


MERITS = {"youden": youden, "f1": f1}


def validation(seed, decimals=3, skill=0.2, n=40):
    """Truth and probabilities of validation cases, some of which tie."""
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.arange(n) < rng.integers(1, n))
    return truth, np.round(np.clip(0.5 + skill * (truth - 0.5) + 0.2 * rng.standard_normal(n), 0, 1), decimals)


@pytest.mark.parametrize("rule", MERITS)
@pytest.mark.parametrize("skill", [0.3, 0, -0.3])
@pytest.mark.parametrize("decimals", [1, 3])
def test_no_other_cut_does_better(rule, skill, decimals):
    for seed in range(40):
        truth, probability = validation(seed, decimals, skill)
        threshold = choose_threshold(truth, probability, rule)
        best = MERITS[rule](truth, probability >= threshold)
        for cut in (*np.unique(probability), 2.0):
            assert MERITS[rule](truth, probability >= cut) <= best + 1e-12


@pytest.mark.parametrize("rule", MERITS)
def test_it_lies_midway_between_two_neighbours(rule):
    for seed in range(40):
        truth, probability = validation(seed)
        threshold = choose_threshold(truth, probability, rule)
        values = np.unique([0, *probability, 1])
        assert np.isclose((values[1:] + values[:-1]) / 2, threshold, atol=1e-12).any()


@pytest.mark.parametrize("rule", MERITS)
def test_classes_apart_are_told_apart_in_the_middle(rule):
    assert choose_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.9]), rule) == pytest.approx(0.25)


@pytest.mark.parametrize("rule", RULES)
def test_the_order_of_the_cases_does_not_matter(rule):
    truth, probability = validation(0)
    turned = choose_threshold(truth[::-1], probability[::-1], rule)
    assert turned == choose_threshold(truth, probability, rule)


def test_a_half_is_a_half():
    assert choose_threshold(*validation(0), "half") == 0.5


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("truth", [0, 1])
def test_with_one_class_it_is_a_half(rule, truth):
    assert choose_threshold(np.full(3, truth), np.array([0.1, 0.7, 0.9]), rule) == 0.5
    assert choose_threshold(np.zeros(0), np.zeros(0), rule) == 0.5


def test_of_cuts_that_are_as_good_the_nearest_to_a_half_is_taken():
    # Youden is 1/2 at 0.15 (all of the positive, half of the negative) and at 0.65 (half of the positive, no negative).
    truth, probability = np.array([0, 1, 0, 1]), np.array([0.1, 0.2, 0.6, 0.7])
    assert choose_threshold(truth, probability, "youden") == pytest.approx(0.65)


@pytest.mark.parametrize(("level", "called"), [(0.0, False), (0.3, False), (0.8, True), (1.0, True)])
def test_of_a_model_that_tells_nothing_apart_youden_calls_what_a_half_would(level, called):
    truth, probability = np.array([0, 1, 1]), np.full(3, level)
    assert (probability >= choose_threshold(truth, probability, "youden")).all() == called
    assert f1(truth == 1, probability >= choose_threshold(truth, probability, "f1")) == pytest.approx(0.8)


def test_neighbours_with_no_number_between_are_still_told_apart():
    low, high = 0.7, np.nextafter(0.7, 1)
    for values in ([low, high], [high, np.nextafter(high, 1)]):
        threshold = choose_threshold(np.array([0, 1]), np.array(values), "youden")
        assert (np.array(values) >= threshold).tolist() == [False, True]


def test_bad_input_is_refused():
    with pytest.raises(ConfigError, match="protocol.threshold is 'best'; expected one of: half, youden, f1"):
        check_rule("best", protocol_of("holdout"))
    with pytest.raises(ValueError, match="'best' is no rule"):
        choose_threshold(np.array([0, 1]), np.array([0.1, 0.9]), "best")
    for probability in (np.array([0.1, np.nan]), np.array([0.1, 1.2]), np.array([0.1])):
        with pytest.raises(ValueError, match="one truth and one probability"):
            choose_threshold(np.array([0, 1]), probability, "youden")
