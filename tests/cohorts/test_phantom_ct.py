"""PhantomCT: the same seed gives the same patient, and a patient looks like one in HU."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from synthtrial.cohorts.phantom_ct import PhantomCT
from synthtrial.errors import ConfigError


def phantom(anatomy: str = "lungs", dims: int = 3, **settings) -> PhantomCT:
    extent = {"lungs": (352, 256, 128), "limb": (208, 208, 128)}[anatomy]
    sites = [
        {"name": "near", "spacing_mm": [8.0] * dims, "noise_hu": 10, "blur_mm": 0.5},
        {"name": "far", "spacing_mm": [10.0] * dims, "noise_hu": 30, "blur_mm": 1.0, "share": 0.5},
    ]
    known = {"n_patients": 12, "extent_mm": extent[:dims], "sites": sites, "anatomy": anatomy, "spatial_dims": dims}
    return PhantomCT(**{**known, "lesion_mm": {"benign": 25, "malignant": 45}, **settings})


@pytest.mark.parametrize("anatomy", ["lungs", "limb"])
@pytest.mark.parametrize("dims", [2, 3])
def test_cases(anatomy, dims):
    reader = pickle.loads(pickle.dumps(phantom(anatomy, dims)))
    refs = reader.find()
    assert len({ref.case_id for ref in refs}) == 12
    assert {ref.site for ref in refs} == {"near", "far"} and {ref.label for ref in refs} == {"benign", "malignant"}
    for ref in refs:
        case = reader.read(ref)
        assert case.spacing == pytest.approx([8.0 if ref.site == "near" else 10.0] * dims)
        assert case.image.shape[1:] == case.mask.shape and len(case.shape) == dims
        assert case.image.dtype == np.float32 and case.mask.dtype == np.uint8
        assert 0 < case.mask.sum() < 0.4 * case.mask.size
        assert case.image.min() < -900 and 150 < case.image.max() <= 3071
        assert np.median(case.image[0][case.mask > 0]) > -500


def test_a_case_depends_on_seed_and_number_alone():
    many, few, other = phantom(n_patients=12), phantom(n_patients=3), phantom(seed=1)
    ref = few.find()[2]
    assert ref == many.find()[2]
    same, again, different = (reader.read(ref) for reader in (many, few, other))
    np.testing.assert_array_equal(same.image, again.image)
    assert not np.array_equal(same.image, different.image)


def test_lung_lesions_lie_in_dark_lungs_and_limb_lesions_in_muscle():
    for anatomy, low, high in (("lungs", -900, -600), ("limb", -20, 90)):
        case = phantom(anatomy, sites=[{"name": "a", "spacing_mm": [4.0] * 3}]).sample(np.random.default_rng(3))
        tissue = np.percentile(case.image, 40 if anatomy == "lungs" else 85)
        assert low - 150 < tissue < high + 60


def test_malignant_lesions_are_larger_in_the_median_and_the_sizes_overlap():
    reader = phantom(dims=2, n_patients=1)
    rng = np.random.default_rng(0)
    area = {kind: [reader.sample(rng, "near", kind).mask.sum() for _ in range(25)] for kind in ("benign", "malignant")}
    assert np.median(area["benign"]) < np.median(area["malignant"])
    assert max(area["benign"]) > min(area["malignant"])


def test_the_sampler_is_an_oracle():
    reader = phantom()
    first, second = (reader.sample(np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)
    rng = np.random.default_rng(7)
    assert not np.array_equal(reader.sample(rng).image, reader.sample(rng).image)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"anatomy": "head"}, "there are lungs, limb"),
        ({"spatial_dims": 2}, "as many numbers"),
        ({"lesion_mm": {"benign": 3}}, "must name benign, malignant"),
        (
            {"extent_mm": (240, 256, 128)},
            r"too small for the anatomy 'lungs'.* at least 250 mm right to left",
        ),
        ({"anatomy": "limb", "extent_mm": (208, 160, 128)}, "too small for the anatomy 'limb'"),
    ],
)
def test_settings_are_checked(wrong, message):
    settings = {"n_patients": 1, "extent_mm": (352, 256, 9), "sites": [{"name": "a", "spacing_mm": [3, 3, 3]}]}
    with pytest.raises(ConfigError, match=message):
        PhantomCT(**{**settings, "lesion_mm": {"benign": 3, "malignant": 4}, **wrong})
