"""prepare: the files of a prepared cohort, all or nothing, the same bytes for the same seed."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

import numpy as np
import pytest
from nifti_files import write_nifti, write_pair
from PIL import Image

from synthtrial.cohorts.image_folder import ImageFolder
from synthtrial.cohorts.nifti_pairs import NiftiPairs
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.preparing import prepare
from synthtrial.cohorts.settings import PrepareSettings
from synthtrial.errors import CohortError, ConfigError

WINDOW = {"low": -500, "high": 500}


def pairs(root: Path, **settings) -> NiftiPairs:
    known = {"image": "images/{case}.nii.gz", "mask": "labels/{case}.nii.gz", "labels": {"lesion": 1}}
    return NiftiPairs(**{"name": "test", "root": str(root), **known, **settings})


def settings(**changed) -> PrepareSettings:
    return PrepareSettings(**{"shape": [8, 8, 8], "window": WINDOW, "folds": 3, **changed})


@pytest.fixture
def root(tmp_path):
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    for k in range(8):
        write_pair(tmp_path / "raw", f"{'AB'[k % 2]}{k}", shape=(9 + k, 10, 7), affine=affine)
    return tmp_path / "raw"


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_writes_what_the_contract_tells(root, tmp_path):
    out = tmp_path / "prepared"
    prepare(pairs(root, site="^[AB]"), out, settings=settings(crop="lesion"), seed=1, workers=1)
    cohort = PreparedCohort(out)
    assert cohort.facts == {
        "name": "test", "unit": "HU", "spatial_dims": 3, "channels": 1, "labels": ["lesion"], "classes": [],
        "patients_known": True, "shape": [8, 8, 8], "spacing_mm": [1.0, 1.0, 2.0],
    }  # fmt: skip
    assert sorted(cohort.test + cohort.development) == sorted(cohort.cases["case_id"]) and len(cohort.folds) == 3
    for case_id in cohort.cases["case_id"]:
        assert cohort.stored_image(case_id).shape == (1, 8, 8, 8) and cohort.stored_image(case_id).dtype == np.int16
        assert cohort.mask(case_id).dtype == np.uint8 and cohort.mask(case_id).sum() == 27
        reference, affine = cohort.reference(case_id)
        assert reference.sum() == 27 and reference.shape[1:] == (10, 7) and (np.diag(affine) > 0).all()
        assert cohort.cases.at[case_id, "lesion_ml"] == pytest.approx(0.054)
    names = {path.relative_to(out).as_posix() for path in out.rglob("*.png")}
    assert names == {f"figures/{name}.png" for name in ("intensities", "geometry", "planes", "lesion_volumes")}


def test_prepared_voxels_lie_where_the_reference_has_them(root, tmp_path):
    prepare(pairs(root), tmp_path / "prepared", settings=settings(crop="lesion"), seed=1, workers=1)
    cohort = PreparedCohort(tmp_path / "prepared")
    reference, reference_affine = cohort.reference("A0")
    ours = np.argwhere(cohort.mask("A0")) @ cohort.affine("A0")[:3, :3].T + cohort.affine("A0")[:3, 3]
    theirs = np.argwhere(reference) @ reference_affine[:3, :3].T + reference_affine[:3, 3]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_same_bytes_for_any_number_of_workers(root, tmp_path):
    for name, workers in (("one", 1), ("two", 2)):
        prepare(pairs(root), tmp_path / name, settings=settings(spacing_mm=[1.5] * 3), seed=1, workers=workers)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")


def test_profile(root, tmp_path):
    write_nifti(root / "labels/A0.nii.gz", np.zeros((9, 10, 7)), np.diag([-1.0, -1.0, 2.0, 1.0]))
    prepare(pairs(root, site="^[AB]"), tmp_path / "out", settings=settings(empty_mask="drop"), seed=1, workers=1)
    profile = json.loads((tmp_path / "out/profile.json").read_text())
    overall = profile["overall"]
    assert (overall["cases"], overall["empty_masks"], overall["dropped_for_empty_mask"]) == (7, 1, 1)
    assert profile["sites"]["A"]["cases"] == 3 and profile["sites"]["B"]["cases"] == 4
    assert overall["shape"][0] == {"min": 10, "median": 13, "mean": 13, "max": 16}
    assert overall["slices"]["max"] == 7 and overall["spacing_mm"][2]["mean"] == 2
    assert overall["lesion_volume"]["lesion"]["mean"] == pytest.approx(0.054)
    assert len(overall["lowest_intensity"]["most_frequent"]) == 5
    assert sum(overall["histogram"]["counts"]) == 7 * 512


def test_empty_mask_is_refused_or_kept(root, tmp_path):
    write_nifti(root / "labels/A0.nii.gz", np.zeros((9, 10, 7)), np.diag([-1.0, -1.0, 2.0, 1.0]))
    with pytest.raises(CohortError, match="case A0: its mask is empty"):
        prepare(pairs(root), tmp_path / "out", settings=settings(), seed=1, workers=1)
    prepare(pairs(root), tmp_path / "out", settings=settings(empty_mask="keep", crop="lesion"), seed=1, workers=1)
    cohort = PreparedCohort(tmp_path / "out")
    assert len(cohort.cases) == 8 and not cohort.mask("A0").any()


def test_warnings_are_told_and_kept(root, tmp_path, caplog):
    write_pair(root, "B1", shape=(9, 9, 10), mask_shape=(9, 9, 11))
    with caplog.at_level(logging.WARNING):
        prepare(pairs(root), tmp_path / "out", settings=settings(), seed=1, workers=1)
    assert "case B1" in caplog.text
    assert "case B1" in json.loads((tmp_path / "out/profile.json").read_text())["warnings"][0]


@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_half_written(root, tmp_path, workers):
    out = tmp_path / "work" / "prepared"
    prepare(pairs(root), out, settings=settings(), seed=1, workers=1)
    before = hashes(out)
    write_nifti(root / "images/B7.nii.gz", np.full((16, 10, 7), np.nan), np.diag([-1.0, -1.0, 2.0, 1.0]))
    with pytest.raises(CohortError, match="B7.nii.gz"):
        prepare(pairs(root), out, settings=settings(), seed=1, workers=workers)
    assert hashes(out) == before and [path.name for path in out.parent.iterdir()] == ["prepared"]


def test_too_few_patients_and_wrong_dimensions(root, tmp_path):
    with pytest.raises(CohortError, match="at least 9 are needed"):
        prepare(pairs(root), tmp_path / "out", settings=settings(folds=8), seed=1, workers=1)
    with pytest.raises(ConfigError, match="3D"):
        prepare(pairs(root), tmp_path / "out", settings=settings(shape=[8, 8]), seed=1, workers=1)


def test_pictures_without_masks(tmp_path):
    rng = np.random.default_rng(0)
    for k in range(8):
        path = tmp_path / "raw" / "ab"[k % 2] / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (10 + k, 12, 3)).astype(np.uint8)).save(path)
    reader = ImageFolder(name="test", root=str(tmp_path / "raw"), colour="RGB")
    flat = settings(shape=[16, 16], window={"low": 0, "high": 255}, fit="resize")
    prepare(reader, tmp_path / "out", settings=flat, seed=0, workers=1)
    cohort = PreparedCohort(tmp_path / "out")
    assert cohort.facts["classes"] == ["a", "b"] and cohort.facts["channels"] == 3 and cohort.labels == []
    assert cohort.image("a_0").shape == (3, 16, 16) and not cohort.mask("a_0").any()
    assert not (tmp_path / "out/masks").exists()
