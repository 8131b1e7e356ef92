"""Distances between surfaces: by brute force, on known shifts, and under scaling."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from synthtrial.segmentation.metrics import score_case
from synthtrial.segmentation.metrics.surfaces import Surfaces, hd95, measure_surfaces, nsd

SPACINGS = [(0.5, 2.0), (1.0, 1.0), (0.7, 0.7, 3.0), (2.0, 1.0, 1.0)]


def two_masks(ndim: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two ragged blobs; both reach the border of the image."""
    rng = np.random.default_rng(seed)
    masks = rng.random((2, *(7, 6, 5)[:ndim])) < 0.3
    masks[:, 0] = masks[:, 0] | (rng.random(masks[:, 0].shape) < 0.5)
    return masks[0], masks[1]


def corners(mask: np.ndarray, spacing_mm: tuple[float, ...]) -> np.ndarray:
    """Points (mm) where the 2 x 2 (x 2) voxels around are neither all empty nor all full, one by one."""
    padded = np.pad(mask, 1)
    points = []
    for place in itertools.product(*(range(n - 1) for n in padded.shape)):
        around = padded[tuple(slice(k, k + 2) for k in place)]
        if around.any() and not around.all():
            points.append(place)
    return np.array(points) * spacing_mm


@pytest.mark.parametrize("spacing_mm", SPACINGS)
def test_distances_are_those_of_every_point_to_every_other(spacing_mm: tuple[float, ...]):
    prediction, reference = two_masks(len(spacing_mm))
    surfaces = measure_surfaces(prediction, reference, spacing_mm)
    ours, theirs = corners(prediction, spacing_mm), corners(reference, spacing_mm)
    distances = np.linalg.norm(ours[:, None] - theirs[None], axis=-1)
    assert np.sort(surfaces.to_reference) == pytest.approx(np.sort(distances.min(1)))
    assert np.sort(surfaces.to_prediction) == pytest.approx(np.sort(distances.min(0)))


@pytest.mark.parametrize("spacing_mm", SPACINGS)
@pytest.mark.parametrize("tolerance_mm", [0.0, 0.7, 1.5])
def test_nsd_is_monais_surface_dice_with_areas(spacing_mm: tuple[float, ...], tolerance_mm: float):
    import torch
    from monai.metrics import compute_surface_dice

    masks = two_masks(len(spacing_mm), seed=1)
    tensors = (torch.from_numpy(mask)[None, None].float() for mask in masks)
    options = {"include_background": True, "spacing": spacing_mm, "use_subvoxels": True}
    expected = float(compute_surface_dice(*tensors, [tolerance_mm], **options))
    assert nsd(measure_surfaces(*masks, spacing_mm), tolerance_mm) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("shift", [1, 2, 5])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_shifted_cube_is_as_far_as_it_was_shifted(shift: int, axis: int):
    import torch
    from monai.metrics import compute_hausdorff_distance

    mask = np.zeros((24, 24, 24), np.uint8)
    mask[5:15, 5:15, 5:15] = 1
    moved, spacing_mm = np.roll(mask, shift, axis), (0.5, 1.5, 3.0)
    scores = score_case(moved, mask, ["a"], spacing_mm)
    assert scores["hd95_mm"] == pytest.approx(shift * spacing_mm[axis])
    tensors = (torch.from_numpy(part)[None, None].float() for part in (moved, mask))
    monai = compute_hausdorff_distance(*tensors, include_background=True, percentile=95, spacing=spacing_mm)
    assert scores["hd95_mm"] == pytest.approx(float(monai))


def test_areas_are_in_square_mm_and_lengths_in_mm():
    box = np.zeros((30, 40, 22), bool)
    box[3:27, 4:36, 2:20] = True
    found = measure_surfaces(box, box, (1.0, 0.5, 2.0)).predicted_area.sum()
    assert found == pytest.approx(2 * (24 * 16 + 24 * 36 + 16 * 36), rel=0.05)  # marching cubes cut the edges
    found = measure_surfaces(box[:, :, 5], box[:, :, 5], (1.0, 0.5)).predicted_area.sum()
    assert found == pytest.approx(2 * (24 + 16), rel=0.05)


def test_a_wrong_side_weighs_more_on_thick_slices():
    reference = np.zeros((20, 20, 6), np.uint8)
    reference[5:15, 5:15, 1:5] = 1
    prediction = reference.copy()
    prediction[5, 5:15, 1:5] = 0
    thin = score_case(prediction, reference, ["a"], (1, 1, 1), tolerance_mm=0.5)["nsd"]
    thick = score_case(prediction, reference, ["a"], (1, 1, 10), tolerance_mm=0.5)["nsd"]
    assert thick < thin - 0.02


@pytest.mark.parametrize("spacing_mm", SPACINGS)
def test_distances_are_symmetric_and_scale_with_the_voxels(spacing_mm: tuple[float, ...]):
    maps = [mask.astype(np.uint8) for mask in two_masks(len(spacing_mm), seed=2)]
    scores, swapped = score_case(*maps, ["a"], spacing_mm), score_case(*maps[::-1], ["a"], spacing_mm)
    assert swapped["hd95_mm"] == pytest.approx(scores["hd95_mm"])
    assert swapped["nsd"] == pytest.approx(scores["nsd"])
    scaled = score_case(*maps, ["a"], [3 * size for size in spacing_mm], tolerance_mm=6)
    assert scaled["hd95_mm"] == pytest.approx(3 * scores["hd95_mm"])
    assert scaled["nsd"] == pytest.approx(scores["nsd"])
    assert scaled["dice"] == scores["dice"]


def test_nsd_grows_with_the_tolerance_to_one():
    masks = two_masks(3)
    surfaces = measure_surfaces(*masks, (1, 1, 2))
    shares = [nsd(surfaces, tolerance_mm) for tolerance_mm in (0, 1, 2, 4, 100)]
    assert shares == sorted(shares)
    assert shares[0] < shares[-1] == 1


def test_a_distance_that_is_the_tolerance_is_within_it():
    mask = np.zeros((20, 20), np.uint8)
    mask[5:12, 5:12] = 1
    assert score_case(np.roll(mask, 3, 0), mask, ["a"], (0.1, 0.1), tolerance_mm=0.3)["nsd"] == 1


def test_the_95th_percentile_goes_by_area():
    distances, ones = np.array([5.0, *[0.0] * 18, 1.0]), np.ones(20)
    assert hd95(Surfaces(distances, np.zeros(20), ones, ones)) == 1.0
    heavy = ones.copy()
    heavy[0] = 4
    assert hd95(Surfaces(distances, np.zeros(20), heavy, ones)) == 5.0


def test_one_voxel_has_a_surface():
    mask = np.zeros((5, 5, 5), np.uint8)
    mask[2, 2, 2] = 1
    far = np.roll(mask, 2, 2)
    assert score_case(far, mask, ["a"], (1, 1, 4))["hd95_mm"] == pytest.approx(8)
