"""The lung window: lungs are kept, everything else is blanked, lesions at the chest wall stay where they can."""

from __future__ import annotations

import numpy as np
import pytest
from test_phantom_ct import phantom

from synthtrial.cohorts.case import CaseRef, RawCase
from synthtrial.cohorts.lung_window import LungSettings, closed, find_lungs, keep_lungs
from synthtrial.cohorts.preparing import prepare
from synthtrial.cohorts.settings import PrepareSettings
from synthtrial.errors import CohortError, ConfigError

REF = CaseRef("c1", "c1", "one", "", None, (), "made by the tests")


def chest(lesion_radius: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """HU `(80, 60)` of 1 mm: air, a body, two lungs; and a lesion that sits on the wall of the left one."""
    x, y = np.mgrid[:80, :60]
    hu = np.full((80, 60), -1000.0, np.float32)
    hu[5:75, 5:55] = 40
    hu[12:36, 12:48] = hu[44:68, 12:48] = -850
    lesion = ((x - 13) ** 2 + (y - 30) ** 2 <= lesion_radius**2) & (x >= 12)
    hu[lesion] = 30
    return hu, lesion


def case_of(hu: np.ndarray, lesion: np.ndarray) -> RawCase:
    return RawCase(REF, hu[None], lesion.astype(np.uint8), np.eye(4))


def settings(**changed) -> LungSettings:
    return LungSettings(**{"smallest_ml": 2.0, "closing_mm": 10.0, **changed})


def test_lungs_stay_as_they_are_and_the_rest_becomes_the_low_end():
    hu, lesion = chest()
    out = keep_lungs(case_of(hu, lesion), settings(), low=-1000).image[0]
    deep = np.zeros_like(lesion)
    deep[16:32, 16:44] = deep[48:64, 16:44] = True
    np.testing.assert_array_equal(out[deep], hu[deep])
    assert (out[:12] == -1000).all() and (out[:, :10] == -1000).all()


def test_air_about_the_body_is_no_lung_but_ends_of_the_scan_may_lie_in_the_lungs():
    hu, _ = chest()
    lungs = find_lungs(np.repeat(hu[:, :, None], 8, 2), [1, 1, 1], settings(closing_mm=0, smallest_ml=1))
    np.testing.assert_array_equal(lungs.any((0, 1)), True)
    assert not lungs[:5].any() and lungs[20, 30].all()


@pytest.mark.parametrize(("closing_mm", "kept"), [(0.0, 0.0), (10.0, 0.8)])
def test_closing_keeps_a_lesion_at_the_chest_wall(closing_mm, kept):
    hu, lesion = chest()
    inside = find_lungs(hu, [1, 1], settings(closing_mm=closing_mm))[lesion].mean()
    assert inside == 0 if kept == 0 else inside >= kept


def test_a_lesion_that_is_cut_off_is_told():
    hu, lesion = chest()
    (warning,) = keep_lungs(case_of(hu, lesion), settings(closing_mm=0), low=-1000).warnings
    assert "case c1: 100 % of its lesion" in warning
    assert not keep_lungs(case_of(hu, np.roll(lesion, 18, 1) & False), settings(), low=-1000).warnings


def test_the_mask_is_not_looked_at():
    hu, lesion = chest()
    images = [keep_lungs(case_of(hu, mask), settings(), low=-1000).image for mask in (lesion, np.ones_like(lesion))]
    np.testing.assert_array_equal(*images)


def test_closing_is_measured_in_mm():
    region = np.zeros((40, 40), bool)
    region[5:35, 5:18] = region[5:35, 22:35] = True  # a gap of 4 voxels
    assert closed(region, [1, 1], 3)[20, 20] and not closed(region, [1, 4], 3)[20, 20]
    assert closed(region, [1, 1], 3)[region].all()


def test_a_case_without_lungs_is_refused():
    with pytest.raises(CohortError, match="case c1: no lungs of 2 ml .* below -400 HU"):
        keep_lungs(case_of(np.full((30, 30), 40, np.float32), np.ones((30, 30))), settings(), low=-1000)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_phantom_s_lungs_are_found(dims):
    reader = phantom(dims=dims, sites=[{"name": "a", "spacing_mm": [4.0] * dims}])
    for seed in range(3):
        case = reader.sample(np.random.default_rng(seed))
        lungs = find_lungs(case.image[0], case.spacing, LungSettings())
        assert 0.08 < lungs.mean() < 0.4
        assert np.median(case.image[0][lungs]) < -700
        around = case.image[0][~lungs]
        assert not ((around > -950) & (around < -600)).mean() > 0.1  # little lung is left out


def test_prepare_blanks_all_but_the_lungs(tmp_path):
    reader = phantom(dims=2, sites=[{"name": "a", "spacing_mm": [4.0, 4.0]}])
    window = {"shape": [32, 32], "fit": "resize", "window": {"low": -1000, "high": 600}, "folds": 3}
    means = {}
    for name, lung in (("all", None), ("lungs", {"closing_mm": 12.0})):
        prepare(reader, tmp_path / name, settings=PrepareSettings(**window, lung=lung), seed=0, workers=1)
        images = [np.load(path) for path in sorted((tmp_path / name / "images").glob("*.npy"))]
        means[name] = np.mean([(image <= -32000).mean() for image in images])
    assert means["lungs"] > means["all"] + 0.3


def test_settings_are_checked():
    with pytest.raises(ConfigError, match="needs prepare.window"):
        PrepareSettings(shape=[8, 8], percentiles=[1, 99], lung={})
    with pytest.raises(ConfigError, match="closing_mm and smallest_ml can't be negative"):
        PrepareSettings(shape=[8, 8], window={"low": 0, "high": 1}, lung={"closing_mm": -1.0})
    with pytest.raises(ConfigError, match="the cohort mr has values in MR"):
        PrepareSettings(shape=[8, 8], window={"low": 0, "high": 1}, lung={}).check_unit("mr", "MR")
