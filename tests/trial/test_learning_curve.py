"""The learning curve: read where it was measured, honest where it was not, with an interval that covers."""

from __future__ import annotations

import numpy as np
import pytest

from synthtrial.trial.learning_curve import cases_needed, resample

CASES = [10, 20, 40, 80]
FOLDS = ["0", "1", "2", "3", "4"]


def scores(rng: np.random.Generator, levels: dict[str, float], patients: int = 20) -> dict[str, np.ndarray]:
    """`(5, patients)` scores by arm: patients differ alike in all arms, fold models and cases by themselves."""
    ease = rng.normal(0, 0.1, patients)
    return {
        arm: level + ease + rng.normal(0, 0.01, (5, 1)) + rng.normal(0, 0.03, (5, patients))
        for arm, level in levels.items()
    }


def scale(levels: list[float]) -> tuple[dict[str, float], dict[str, float]]:
    names = [f"real_at_{n}" for n in CASES]
    return dict(zip(names, levels, strict=True)), dict(zip(names, CASES, strict=True))


@pytest.mark.parametrize(
    ("score", "needed"),
    [
        (0.5, 10),
        (0.55, 10 * 2**0.5),  # half-way between 10 and 20, on a logarithmic axis
        (0.6, 20),
        (0.8, 80),
        (0.801, np.inf),
        (0.499, -np.inf),
    ],
)
def test_the_curve_is_read_on_a_logarithmic_axis_and_never_beyond_its_ends(score, needed):
    assert cases_needed(CASES, [0.5, 0.6, 0.7, 0.8], score) == pytest.approx(needed)


def test_a_curve_that_dips_is_made_monotone_first():
    dipping = [0.25, 0.75, 0.5, 1.0]  # 20 and 40 cases are pooled to 0.625: the fewest that reach it are 20
    assert cases_needed(CASES, dipping, 0.625) == 20
    assert cases_needed(CASES, dipping, 0.6) < 20 and cases_needed(CASES, dipping, 0.65) > 40


def test_more_is_never_worth_fewer_cases():
    rng = np.random.default_rng(0)
    for _ in range(20):
        means = rng.uniform(0, 1, 4)
        needed = [cases_needed(CASES, means, score) for score in np.linspace(0, 1, 50)]
        assert all(first <= second for first, second in zip(needed, needed[1:], strict=False))


def test_the_interval_covers_the_true_number_and_not_one_far_away():
    levels, cases = scale([0.5, 0.6, 0.7, 0.8])
    covered, widths = 0, []
    for trial in range(60):
        rng = np.random.default_rng(trial)
        tables = scores(rng, {**levels, "arm": 0.65})
        estimate = resample(tables, FOLDS, draws=300, rng=rng).real_cases("arm", cases)
        covered += estimate.low <= 20 * 2**0.5 <= estimate.high
        widths.append(estimate.high / estimate.low)
        assert estimate.low <= estimate.value <= estimate.high
    assert covered >= 51  # 95 % with five folds, which resampling takes a little too lightly
    assert np.median(widths) < 1.5


def test_an_arm_above_or_below_the_whole_curve_is_told_so():
    levels, cases = scale([0.5, 0.6, 0.7, 0.8])
    tables = scores(np.random.default_rng(1), {**levels, "better": 1.2, "worse": 0.1})
    resampled = resample(tables, FOLDS, draws=200, rng=np.random.default_rng(1))
    better, worse = (resampled.real_cases(arm, cases) for arm in ("better", "worse"))
    assert (better.value, better.low, better.high) == (np.inf,) * 3
    assert (worse.value, worse.low, worse.high) == (-np.inf,) * 3


def test_means_are_those_of_the_table_and_patients_are_shared_by_all_arms():
    rng = np.random.default_rng(2)
    tables = scores(rng, {"a": 0.5, "b": 0.6})
    resampled = resample(tables, FOLDS, draws=400, rng=rng)
    assert resampled.mean("a").value == pytest.approx(tables["a"].mean())
    difference = resampled.draws["b"] - resampled.draws["a"]
    assert difference.std() < 0.5 * resampled.draws["a"].std()


def test_trainings_of_a_fold_are_drawn_together():
    """Two equal trainings per fold tell nothing more than one."""
    tables = scores(np.random.default_rng(3), {"a": 0.5})
    twice = {"a": np.repeat(tables["a"], 2, axis=0)}
    once = resample(tables, FOLDS, draws=200, rng=np.random.default_rng(4))
    again = resample(twice, [fold for fold in FOLDS for _ in range(2)], draws=200, rng=np.random.default_rng(4))
    np.testing.assert_allclose(once.draws["a"], again.draws["a"])


def test_gaps_are_left_out_where_models_judge_their_own_patients_only():
    table = np.full((2, 4), np.nan)
    table[0, :2], table[1, 2:] = [0.2, 0.4], [0.6, 0.8]
    resampled = resample({"a": table}, ["0", "1"], draws=200, rng=np.random.default_rng(0))
    assert resampled.mean("a").value == pytest.approx(0.5)
    assert np.isfinite(resampled.draws["a"]).all() and resampled.draws["a"].min() >= 0.2
