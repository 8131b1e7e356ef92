"""Resampling, cropping and fitting: whatever happens to the grid, a voxel keeps its place in the world."""

from __future__ import annotations

import numpy as np
import pytest

from synthtrial.cohorts.case import CaseRef, RawCase
from synthtrial.cohorts.cropping import centre_box, extract, foreground_box, grow_or_cut, lesion_box, whole_box
from synthtrial.cohorts.preparing_case import to_study_grid
from synthtrial.cohorts.resampling import resample, resize, to_ras
from synthtrial.cohorts.settings import PrepareSettings
from synthtrial.errors import CohortError, ConfigError

REF = CaseRef("a", "a", "one", "", None, (), "")


def world_case(shape=(20, 22, 18), spacing=(1.0, 1.5, 2.0), affine=None) -> RawCase:
    """A case whose three channels hold the world coordinates of each voxel, so that its values prove its grid."""
    affine = np.diag([*spacing, 1.0]) if affine is None else affine
    if affine[0, 3] == 0:
        affine = affine + np.array([[0, 0, 0, -7.0], [0, 0, 0, 5], [0, 0, 0, 100], [0, 0, 0, 0]])
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij")).reshape(3, -1)
    world = (affine[:3, :3] @ index + affine[:3, 3:]).reshape(3, *shape)
    mask = np.zeros(shape, np.uint8)
    mask[6:12, 7:15, 5:11] = 1
    return RawCase(REF, world.astype(np.float32), mask, affine)


def assert_voxels_in_place(case: RawCase, inside: tuple[slice, ...] = (slice(3, -3),) * 3) -> None:
    expected = world_case(case.shape, affine=case.affine).image
    np.testing.assert_allclose(case.image[(slice(None), *inside)], expected[(slice(None), *inside)], atol=1e-3)


LPS = np.array([[-0.9, 0, 0, 40], [0, -0.9, 0, 30], [0, 0, 3, -600], [0, 0, 0, 1.0]])
SAGITTAL = np.array([[0, 0, 2.5, 10], [-1, 0, 0, 30], [0, 1, 0, -60], [0, 0, 0, 1.0]])


@pytest.mark.parametrize("affine", [LPS, SAGITTAL])
def test_ras_moves_no_voxel(affine):
    case = to_ras(world_case(affine=affine))
    assert_voxels_in_place(case, (slice(None),) * 3)
    assert (np.diag(case.affine)[:3] > 0).all()
    assert case.mask.sum() == world_case().mask.sum()


@pytest.mark.parametrize("spacing", [(2.0, 2.0, 2.0), (0.7, 1.0, 1.3), (1.0, 1.5, 4.0)])
def test_resampling_keeps_the_world(spacing):
    case = resample(world_case(), spacing)
    assert case.spacing == pytest.approx(spacing)
    assert_voxels_in_place(case)
    volume = case.mask.sum() * np.prod(spacing)
    assert volume == pytest.approx(world_case().mask.sum() * 3, rel=0.35)


def test_resampling_to_the_same_grid_changes_nothing():
    case = world_case()
    assert resample(case, case.spacing) is case


def test_resize_keeps_the_world():
    case = resize(world_case(), (10, 30, 18))
    assert case.shape == (10, 30, 18)
    assert_voxels_in_place(case)


@pytest.mark.parametrize("fit", ["pad_crop", "resize"])
@pytest.mark.parametrize("crop", ["none", "lesion", "centre", "foreground"])
@pytest.mark.parametrize("spacing", [None, (1.6, 1.6, 1.6)])
def test_study_grid_keeps_the_world(fit, crop, spacing):
    settings = PrepareSettings(
        shape=(16, 12, 14), spacing_mm=spacing, crop=crop, margin_mm=3, crop_mm=(12, 12, 12), foreground_above=-1000,
        window={"low": -1, "high": 1}, fit=fit,
    )  # fmt: skip
    case, low, high = to_study_grid(world_case(), settings)
    assert case.shape == (16, 12, 14) and case.mask.shape == case.shape and (low, high) == (-1, 1)
    assert_voxels_in_place(case)
    assert case.mask.any()
    if fit == "pad_crop" and spacing:
        assert case.spacing == pytest.approx(spacing)


def test_padding_fills_only_what_the_scan_lacks():
    settings = PrepareSettings(shape=(30, 12, 18), crop="lesion", window={"low": -999, "high": 999})
    case, _, _ = to_study_grid(world_case(), settings)
    assert (case.image[0] == -999).any(axis=(1, 2)).sum() == 10
    assert_voxels_in_place(case, (slice(5, 25), slice(None), slice(None)))


def test_small_boxes_fill_up_with_their_surroundings():
    start, size = grow_or_cut((np.array([0, 8]), np.array([2, 2])), (20, 20), (6, 4))
    assert start.tolist() == [0, 7] and size.tolist() == [6, 4]


def test_boxes():
    case = world_case()
    start, size = lesion_box(case, margin_mm=3.0)
    assert start.tolist() == [3, 5, 3] and size.tolist() == [12, 12, 10]
    start, size = centre_box(case, (10, 15, 100))
    assert start.tolist() == [5, 6, 0] and size.tolist() == [10, 10, 18]


def test_foreground_is_the_largest_region():
    image = np.full((1, 20, 20, 20), -1000, np.float32)
    image[0, 2:12, 2:12, 2:12] = 0
    image[0, 18, 18, 18] = 0
    start, size = foreground_box(RawCase(REF, image, None, np.eye(4)), above=-500, margin_mm=0)
    assert start.tolist() == [2, 2, 2] and size.tolist() == [10, 10, 10]
    with pytest.raises(CohortError, match="no voxel is brighter"):
        foreground_box(RawCase(REF, image, None, np.eye(4)), above=500, margin_mm=0)


def test_empty_mask_keeps_the_whole_grid():
    case = extract(world_case(), (np.array([0, 0, 0]), np.array([4, 4, 4])))
    start, size = lesion_box(case, 1.0)
    np.testing.assert_array_equal(whole_box(case), (start, size))


def test_two_dimensions():
    image = np.arange(80, dtype=np.float32).reshape(1, 8, 10)
    case = RawCase(REF, image, (image[0] > 70).astype(np.uint8), np.diag([2.0, 2, 1, 1]))
    fitted, _, _ = to_study_grid(to_ras(case), PrepareSettings(shape=(4, 6), window={"low": 0, "high": 80}))
    np.testing.assert_array_equal(fitted.image, image[:, 2:6, 2:8])
    assert fitted.affine[:2, 3].tolist() == [4, 4]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"crop": "tumour"}, "none, foreground, lesion, centre"),
        ({"fit": "stretch"}, "pad_crop, resize"),
        ({"spacing_mm": [1, 1]}, "expected 3 positive numbers"),
        ({"shape": [8, 8, 0]}, "expected 3 positive numbers"),
        ({"window": None}, "one of window and percentiles"),
        ({"percentiles": [1, 99]}, "one of window and percentiles"),
        ({"window": {"low": 5, "high": 5}}, "low < high"),
        ({"window": None, "percentiles": [50, 101]}, "low < high"),
        ({"crop": "foreground"}, "foreground_above"),
        ({"crop": "centre"}, "crop_mm"),
        ({"folds": 1}, "at least 2"),
    ],
)
def test_settings_are_checked(wrong, message):
    with pytest.raises(ConfigError, match=message):
        PrepareSettings(**{"shape": [8, 8, 8], "window": {"low": 0, "high": 1}, **wrong})
