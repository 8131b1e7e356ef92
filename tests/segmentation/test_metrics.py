"""Dice and volumes by hand, and the scores of a whole case: the columns, the empty cases, the ordering."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthtrial.segmentation.metrics import (
    dice_per_label,
    in_words,
    larger_is_better,
    metric_names,
    score_case,
    with_mean,
)
from synthtrial.segmentation.metrics.aggregated import aggregated_dice, cases_with_one_empty, total_lesions

BEST = {"dice": 1, "hd95_mm": 0, "nsd": 1, "volume_error": 0, "lesion_sensitivity": 1, "lesion_precision": 1}


def cube(shape: tuple[int, ...], start: int, side: int) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    mask[(slice(start, start + side),) * len(shape)] = 1
    return mask


def test_dice_counts_overlap_per_label():
    reference = np.array([[1, 1, 0], [2, 2, 0]], np.uint8)
    prediction = np.array([[1, 0, 1], [2, 2, 1]], np.uint8)
    dice = dice_per_label(prediction, reference, ["a", "b"])
    assert dice == pytest.approx({"a": 2 * 1 / (3 + 2), "b": 1.0})
    assert with_mean(dice) == pytest.approx({"dice": 0.7, "dice/a": 0.4, "dice/b": 1.0})


def test_empty_labels_score_one_together_and_zero_alone():
    empty, full = np.zeros((2, 2), np.uint8), np.ones((2, 2), np.uint8)
    assert dice_per_label(empty, empty, ["a"]) == {"a": 1.0}
    assert dice_per_label(full, empty, ["a"]) == {"a": 0.0}
    assert dice_per_label(empty, full, ["a"]) == {"a": 0.0}


def test_dice_agrees_with_monai():
    import torch
    from monai.metrics import DiceMetric
    from monai.networks.utils import one_hot

    rng = np.random.default_rng(0)
    maps = rng.integers(0, 3, (2, 6, 7, 5)).astype(np.uint8)
    hot = [one_hot(torch.from_numpy(m)[None, None], 3) for m in maps]
    expected = DiceMetric(include_background=False, reduction="none")(*hot)[0].tolist()
    assert list(dice_per_label(*maps, ["a", "b"]).values()) == pytest.approx(expected)


def test_other_grids_are_refused():
    with pytest.raises(ValueError, match="different grids"):
        dice_per_label(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8), ["a"])
    with pytest.raises(ValueError, match="2 numbers for a map of 3 axes"):
        score_case(cube((4, 4, 4), 1, 2), cube((4, 4, 4), 1, 2), ["a"], [1, 1])


@pytest.mark.parametrize("shape", [(12, 9), (10, 8, 9)])
def test_a_perfect_prediction_has_the_best_of_every_score(shape: tuple[int, ...]):
    mask = cube(shape, 2, 4)
    scores = score_case(mask, mask, ["lesion"], [0.5, 2.0, 3.0][: len(shape)])
    assert {name: scores[name] for name in BEST} == BEST


def test_a_label_that_both_maps_lack_has_the_best_and_one_that_one_lacks_the_worst_of_every_score():
    empty, full = np.zeros((6, 8, 5), np.uint8), cube((6, 8, 5), 1, 3)
    assert {name: score_case(empty, empty, ["a"], [1, 1, 1])[name] for name in BEST} == BEST
    worst = dict.fromkeys(BEST, 0) | {"hd95_mm": np.sqrt(6**2 + 16**2 + 15**2), "volume_error": 1}
    for maps in ((empty, full), (full, empty)):
        scores = score_case(*maps, ["a"], [1, 2, 3])
        assert {name: scores[name] for name in BEST} == pytest.approx(worst)


def test_the_columns_are_the_metrics_as_mean_and_per_label_then_the_sums():
    maps = np.random.default_rng(0).integers(0, 3, (2, 7, 6, 5)).astype(np.uint8)
    scores = score_case(*maps, ["core", "rim"], [1, 1, 2])
    names = metric_names(["core", "rim"])
    assert list(scores)[: len(names)] == names
    assert all(np.isfinite(value) for value in scores.values())
    for metric in BEST:
        assert scores[metric] == pytest.approx((scores[f"{metric}/core"] + scores[f"{metric}/rim"]) / 2)
        assert np.sign(larger_is_better(f"{metric}/rim") - 0.5) == (1 if BEST[metric] == 1 else -1)


def test_a_label_is_scored_as_if_it_were_alone():
    maps = np.random.default_rng(1).integers(0, 3, (2, 8, 9)).astype(np.uint8)
    both = score_case(*maps, ["a", "b"], [1, 2])
    second = score_case(*(maps == 2).astype(np.uint8), ["b"], [1, 2])
    assert {name: both[name] for name in second if name.endswith("/b")} == pytest.approx(
        {name: value for name, value in second.items() if name.endswith("/b")}
    )


def test_volumes_are_in_ml_and_areas_in_cm2():
    three = score_case(cube((9, 9, 9), 1, 3), cube((9, 9, 9), 2, 2), ["a"], [2, 2, 5])
    assert [three[f"{name}_ml/a"] for name in ("predicted", "reference", "overlap")] == pytest.approx(
        [0.54, 0.16, 0.16]
    )
    assert three["volume_error"] == pytest.approx(27 / 8 - 1)
    assert score_case(cube((9, 9), 1, 3), cube((9, 9), 2, 2), ["a"], [2, 5])["predicted_ml/a"] == pytest.approx(0.9)


def test_a_worse_shift_is_worse_in_every_score_that_sees_position():
    reference = cube((30, 12, 12), 2, 6)
    scores = pd.DataFrame([score_case(np.roll(reference, shift, 0), reference, ["a"], [1, 1, 1]) for shift in range(8)])
    assert scores["dice"].is_monotonic_decreasing
    assert scores["nsd"].is_monotonic_decreasing
    assert scores["hd95_mm"].is_monotonic_increasing
    assert (scores["volume_error"] == 0).all()


def test_far_background_changes_no_score_but_the_diagonal():
    small = [cube((8, 8, 8), 1, 4), cube((8, 8, 8), 3, 4)]
    large = [np.pad(mask, 7) for mask in small]
    assert score_case(*large, ["a"], [1, 2, 3]) == pytest.approx(score_case(*small, ["a"], [1, 2, 3]))


def test_aggregated_dice_weighs_cases_by_their_volume():
    large, small = cube((12, 12, 12), 1, 8), cube((12, 12, 12), 1, 2)
    cases = pd.DataFrame([score_case(large, large, ["a"], [1, 1, 1]), score_case(0 * small, small, ["a"], [1, 1, 1])])
    assert aggregated_dice(cases, "a") == pytest.approx(2 * 512 / (2 * 512 + 8))
    assert cases["dice"].mean() == 0.5
    assert cases_with_one_empty(cases, ["a"]) == 1
    assert total_lesions(cases, ["a"]) == {"lesions": 2, "found": 1, "false": 0}


def test_aggregated_dice_is_the_dice_of_all_voxels_side_by_side():
    maps = (np.random.default_rng(3).random((2, 4, 6, 6)) < 0.4).astype(np.uint8)
    cases = pd.DataFrame([score_case(*pair, ["a"], [0.7, 1.3]) for pair in zip(*maps, strict=True)])
    assert aggregated_dice(cases, "a") == pytest.approx(dice_per_label(*maps, ["a"])["a"])


def test_nothing_anywhere_aggregates_to_one():
    empty = np.zeros((4, 4), np.uint8)
    assert aggregated_dice(pd.DataFrame([score_case(empty, empty, ["a"], [1, 1])]), "a") == 1


def test_metrics_have_words_and_unknown_ones_are_refused():
    assert in_words("hd95_mm/rim") == "HD95 of rim (mm)"
    assert in_words("dice") == "Dice"
    with pytest.raises(ValueError, match="there are: dice, hd95_mm"):
        larger_is_better("accuracy")
