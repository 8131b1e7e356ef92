"""Lesions found and missed, by hand."""

from __future__ import annotations

import numpy as np

from synthtrial.segmentation.metrics.lesions import count_lesions


def mask_of(*boxes: tuple[slice, ...], shape: tuple[int, ...] = (20, 20)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    for box in boxes:
        mask[box] = True
    return mask


def test_each_lesion_counts_once_however_large():
    reference = mask_of(np.s_[0:12, 0:12], np.s_[15:17, 15:17], np.s_[0:2, 17:19])
    prediction = mask_of(np.s_[1:12, 1:12], np.s_[15:17, 0:2])
    counts = count_lesions(prediction, reference)
    assert counts == (3, 1, 2, 1)
    assert (counts.sensitivity, counts.precision) == (1 / 3, 1 / 2)


def test_a_lesion_is_found_when_a_tenth_of_it_is_covered():
    reference = mask_of(np.s_[0:10, 0:10])
    assert count_lesions(mask_of(np.s_[0:1, 0:10]), reference).found == 1
    assert count_lesions(mask_of(np.s_[0:1, 0:9]), reference).found == 0


def test_a_prediction_of_everything_finds_all_and_is_not_confirmed():
    counts = count_lesions(np.ones((20, 20), bool), mask_of(np.s_[3:6, 3:6], np.s_[12:14, 12:14]))
    assert (counts.sensitivity, counts.precision) == (1, 0)


def test_voxels_that_touch_by_a_corner_are_one_lesion():
    diagonal = mask_of(np.s_[1, 1, 1], np.s_[2, 2, 2], shape=(4, 4, 4))
    assert count_lesions(diagonal, diagonal).drawn == 1
    assert count_lesions(np.eye(4, dtype=bool), np.eye(4, dtype=bool)).drawn == 1


def test_swapping_the_maps_swaps_sensitivity_and_precision():
    one, other = mask_of(np.s_[0:4, 0:4], np.s_[10:12, 2:9]), mask_of(np.s_[2:5, 2:5])
    forth, back = count_lesions(one, other), count_lesions(other, one)
    assert (forth.sensitivity, forth.precision) == (back.precision, back.sensitivity)
    assert back.sensitivity == 1 / 2
