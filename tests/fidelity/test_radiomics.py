from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.features.extractor import CaseExtractor, LearnedExtractor
from synthtrial.fidelity.features.ibsi import SHAPE, SIZE, TEXTURE, morphology, texture
from synthtrial.fidelity.features.radiomics import Radiomics

pytest.importorskip("mirp", reason="radiomic features need the optional package mirp")
MakeCohort = Callable[..., PreparedCohort]
FAST = {"families": ["statistics", "glszm"], "bins": 16}


class Changed:
    """A cohort whose images or masks are changed as they are read."""

    def __init__(self, cohort: PreparedCohort, image=lambda x: x, mask=lambda x: x) -> None:
        self.labels, self.shape, self.spacing_mm, self.unit = (
            cohort.labels,
            cohort.shape,
            cohort.spacing_mm,
            cohort.unit,
        )
        self.window = cohort.window
        self.image = lambda case_id: image(cohort.image(case_id))
        self.mask = lambda case_id: mask(np.array(cohort.mask(case_id)))


def all_of(cohort: PreparedCohort, **changes) -> Cases:
    return Cases(Changed(cohort, **changes), tuple(cohort.development))


def learned(cohort: PreparedCohort, cache: Path, **settings) -> Radiomics:
    extractor = Radiomics(spatial_dims=len(cohort.shape), **{**FAST, **settings})
    extractor.learn(Cases(cohort, tuple(cohort.development)), cache)
    return extractor


def distances(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> dict[str, float]:
    """Distance between the means of each view, in standard deviations."""
    return {view: float(np.linalg.norm(first[view].mean(0) - second[view].mean(0))) for view in first}


def test_size_and_shape_of_a_digital_ball_in_mm() -> None:
    grid = np.indices((30, 30, 16)) - np.array([15, 15, 8]).reshape(3, 1, 1, 1)
    ball = sum((axis * edge) ** 2 for axis, edge in zip(grid, (1, 1, 2), strict=True)) <= 12**2
    found = dict(zip((*SIZE, *SHAPE[3]), morphology(ball, (1, 1, 2)), strict=True))
    assert found["morph_volume"] == pytest.approx(4 / 3 * np.pi * 12**3, rel=0.02)
    assert found["morph_diam"] == pytest.approx(26)  # to the outer faces of its voxels
    assert found["morph_sphericity"] == pytest.approx(0.9, abs=0.02)
    assert found["morph_pca_elongation"] == pytest.approx(1, abs=0.03)
    ovoid = dict(zip((*SIZE, *SHAPE[3]), morphology(ball, (1, 1, 1)), strict=True))
    assert ovoid["morph_pca_flatness"] == pytest.approx(0.5, abs=0.03)
    slab = dict(zip((*SIZE, *SHAPE[2]), morphology(ball[:, :, 8], (2, 2)), strict=True))
    assert slab["morph_diam"] == pytest.approx(48, rel=0.06) and slab["morph_vol_dens_conv_hull"] > 0.9


@pytest.mark.parametrize("dims", [2, 3])
def test_intensities_are_those_inside_and_textures_do_not_see_brightness(dims: int) -> None:
    rng = np.random.default_rng(0)
    image = rng.normal(40, 10, (12,) * dims)
    region = np.zeros(image.shape, bool)
    region[3:9, 3:9] = True
    families = [*TEXTURE]
    names = [name for family in families for name in TEXTURE[family]]
    inside = dict(zip(names, texture(image, region, (1.0,) * dims, families, 16), strict=True))
    assert inside["stat_mean"] == pytest.approx(image[region].mean(), abs=1e-3)
    # IBSI takes the nearest rank of a percentile.
    assert inside["stat_p90"] == pytest.approx(np.quantile(image[region], 0.9), abs=3)
    other = np.where(region, 2 * image - 500, 7 * image)
    brighter = dict(zip(names, texture(other, region, (1.0,) * dims, families, 16), strict=True))
    assert brighter["stat_iqr"] == pytest.approx(2 * inside["stat_iqr"], rel=1e-3)
    for name in names:
        if not name.startswith("stat_"):
            assert brighter[name] == pytest.approx(inside[name], rel=1e-3), name


def test_constant_images_are_told(make_cohort: MakeCohort, tmp_path: Path) -> None:
    cases = all_of(make_cohort(shape=(12, 12), n_cases=6, labels=()), image=np.zeros_like)
    with pytest.raises(SynthtrialError, match="all real images have the same features"):
        Radiomics(spatial_dims=2, families=["statistics"]).learn(cases, tmp_path)


def test_raw_features_are_in_the_unit_of_the_cohort(make_cohort: MakeCohort, tmp_path: Path) -> None:
    cohort = make_cohort(n_cases=6)
    extractor = learned(cohort, tmp_path)
    cases = Cases(cohort, tuple(cohort.development))
    for case_id, mean in zip(cases.case_ids, extractor.raw(cases)["pair"][:, 0], strict=True):
        inside = cohort.image(case_id)[0][np.asarray(cohort.mask(case_id)) == 1]
        assert mean == pytest.approx(800 * inside.mean() - 200, abs=0.1)  # the window is -1000 to 600 HU


@pytest.mark.parametrize("shape", [(20, 20), (12, 12, 12)])
def test_features_are_standardised_by_the_real_cases(make_cohort: MakeCohort, tmp_path: Path, shape) -> None:
    cohort = make_cohort(n_cases=10, shape=shape, labels=("core", "rim"))
    extractor = learned(cohort, tmp_path)
    assert isinstance(extractor, CaseExtractor) and isinstance(extractor, LearnedExtractor)
    features = extractor.of_cases(Cases(cohort, tuple(cohort.development)))
    assert list(features) == ["image", "mask", "pair"]
    for view, values in features.items():
        assert values.shape == (7, len(extractor.feature_names[view])) and values.dtype == np.float64
        assert np.abs(values.mean(axis=0)).max() < 0.5 and values.std(axis=0).max() < 1.001
    assert {name.split("/")[0] for name in extractor.feature_names["mask"]} == {"core", "rim"}


def test_each_view_sees_its_own_changes(make_cohort: MakeCohort, tmp_path: Path) -> None:
    cohort = make_cohort(n_cases=9, shape=(14, 14, 14))
    extractor = learned(cohort, tmp_path)
    real = extractor.of_cases(all_of(cohort))
    brighter = distances(real, extractor.of_cases(all_of(cohort, image=lambda x: x + 0.1)))
    assert brighter["mask"] == 0 and brighter["image"] > 1 and brighter["pair"] > 1
    elsewhere = distances(real, extractor.of_cases(all_of(cohort, mask=lambda m: m[::-1])))
    assert elsewhere["image"] == 0 and elsewhere["mask"] < 1e-3 and elsewhere["pair"] > 1

    def grown(mask: np.ndarray) -> np.ndarray:
        return np.maximum.reduce([np.roll(mask, step, axis) for axis in range(3) for step in (-1, 0, 1)])

    larger = distances(real, extractor.of_cases(all_of(cohort, mask=grown)))
    assert larger["image"] == 0 and larger["mask"] > 1


def test_cases_without_or_with_tiny_lesions_have_finite_features(
    make_cohort: MakeCohort, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cohort = make_cohort(n_cases=6, shape=(10, 10, 10))
    extractor = learned(cohort, tmp_path, families=[*TEXTURE])

    def one_voxel(mask: np.ndarray) -> np.ndarray:
        mask[:] = 0
        mask[0, 0, 0] = 1
        return mask

    empty = extractor.of_cases(all_of(cohort, mask=np.zeros_like))
    assert "3 of 3 cases" in caplog.text
    tiny = extractor.of_cases(all_of(cohort, mask=one_voxel))
    volume = extractor.feature_names["mask"].index("lesion/morph_volume")
    for features in (empty, tiny):
        assert all(np.isfinite(values).all() for values in features.values())
        assert (features["mask"][:, volume] < -2).all()
    assert (empty["pair"] == 0).all() and not (tiny["pair"] == 0).all()


def test_two_processes_and_the_cache_give_the_same_bytes(make_cohort: MakeCohort, tmp_path: Path) -> None:
    cohort = make_cohort(n_cases=5, shape=(8, 8, 8))
    cases = Cases(cohort, tuple(cohort.development))
    alone, together = (learned(cohort, tmp_path / str(n), workers=n).of_cases(cases) for n in (1, 2))
    cached = learned(cohort, tmp_path / "1").of_cases(cases)
    for view in alone:
        assert alone[view].tobytes() == together[view].tobytes() == cached[view].tobytes()


def test_a_cache_of_other_settings_is_not_used(make_cohort: MakeCohort, tmp_path: Path) -> None:
    cohort = make_cohort(n_cases=6, shape=(8, 8, 8))
    cases = Cases(cohort, tuple(cohort.development))
    coarse, fine = (learned(cohort, tmp_path, bins=bins).raw(cases)["image"] for bins in (4, 64))
    assert (coarse[:, -1] != fine[:, -1]).all()


def test_a_feature_that_never_varies_is_left_out(make_cohort: MakeCohort, tmp_path: Path) -> None:
    cohort = make_cohort(n_cases=6, shape=(8, 8, 8))

    def cube(mask: np.ndarray) -> np.ndarray:
        mask[:] = 0
        mask[2:5, 2:5, 2:5] = 1
        return mask

    extractor = Radiomics(spatial_dims=3, **FAST)
    extractor.learn(all_of(cohort, mask=cube), tmp_path)
    assert len(extractor.dropped["mask"]) == 8 and "mask" not in extractor.of_cases(all_of(cohort))


def test_mirp_is_silent_and_leaves_logging_alone(capfd: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level, root.manager.disable
    texture(np.random.default_rng(0).normal(size=(6, 6, 6)), np.ones((6, 6, 6), bool), (1, 1, 1), ["glcm"], 8)
    assert (root.handlers[:], root.level, root.manager.disable) == before
    assert capfd.readouterr() == ("", "")


def test_mistakes_are_told(make_cohort: MakeCohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cohort = make_cohort(n_cases=5, shape=(6, 6, 6))
    with pytest.raises(ConfigError, match="statistics"):
        Radiomics(spatial_dims=3, families=["wavelets"])
    with pytest.raises(ConfigError, match="bins"):
        Radiomics(spatial_dims=3, bins=1)
    extractor = Radiomics(spatial_dims=3, **FAST)
    with pytest.raises(SynthtrialError, match="learn"):
        extractor.of_cases(all_of(cohort))
    with pytest.raises(SynthtrialError, match="case03: the image holds NaN"):
        extractor.learn(all_of(cohort, image=lambda x: np.where(x > 2, x, np.nan)), tmp_path)
    with pytest.raises(SynthtrialError, match="at least 2"):
        extractor.learn(Cases(cohort, ("case03",)), tmp_path)
    monkeypatch.setitem(sys.modules, "mirp", None)
    with pytest.raises(ConfigError, match="synthtrial\\[radiomics\\]"):
        Radiomics(spatial_dims=3)
