"""Dice by hand."""

from __future__ import annotations

import numpy as np
import pytest

from synthtrial.segmentation.metrics import dice_per_label, with_mean


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
