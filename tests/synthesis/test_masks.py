"""Masks for a generator: real ones, deformed ones, and those of a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import CohortError, ConfigError
from synthtrial.synthesis.deformation import BEND, deformed, random_bend, random_rotation
from synthtrial.synthesis.masks import MaskSource


@pytest.fixture(params=[(16, 20, 24), (16, 20)], ids=["3D", "2D"])
def cohort(request: pytest.FixtureRequest, make_cohort: Callable[..., PreparedCohort]) -> PreparedCohort:
    return make_cohort(shape=request.param, labels=("tumour", "node"))


def ball(shape: tuple[int, ...] = (32, 32, 32), radius: float = 8) -> np.ndarray:
    """A label map with one ball in the middle."""
    grid = np.indices(shape) - np.array(shape).reshape(-1, *[1] * len(shape)) / 2
    return ((grid**2).sum(0) <= radius**2).astype(np.uint8)


def test_real_masks_are_those_of_the_cases_given(cohort: PreparedCohort) -> None:
    draw = MaskSource("real", cohort, cohort.development[:4])
    rng = np.random.default_rng(0)
    names = set()
    for _ in range(50):
        label_map, name = draw(rng)
        assert np.array_equal(label_map, cohort.mask(name))
        names.add(name)
    assert names == set(cohort.development[:4])


def test_cases_without_a_lesion_are_left_out(cohort: PreparedCohort) -> None:
    first, second = cohort.development[:2]
    np.save(cohort.folder / "masks" / f"{first}.npy", np.zeros(cohort.shape, np.uint8))
    assert MaskSource("real", cohort, [first, second]).names == [second]
    with pytest.raises(ConfigError, match="none of the 1 cases"):
        MaskSource("real", cohort, [first])


@pytest.mark.parametrize("kind", ["real", "deformed"])
def test_one_seed_gives_one_mask(cohort: PreparedCohort, kind: str) -> None:
    draw = MaskSource(kind, cohort, cohort.development)
    (first, name), (again, same) = draw(np.random.default_rng(3)), draw(np.random.default_rng(3))
    assert name == same
    assert np.array_equal(first, again)


def test_a_deformed_mask_differs_but_keeps_shape_and_labels(cohort: PreparedCohort) -> None:
    draw = MaskSource("deformed", cohort, cohort.development)
    rng = np.random.default_rng(0)
    for _ in range(10):
        label_map, name = draw(rng)
        original = cohort.mask(name)
        assert label_map.dtype == np.uint8
        assert label_map.shape == cohort.shape
        assert not np.array_equal(label_map, original)
        assert np.array_equal(np.unique(label_map), np.unique(original))


def test_deformation_is_small() -> None:
    """Volume, place and form change, but by little: a ball stays one piece, but for single voxels."""
    original, rng = ball(), np.random.default_rng(0)
    for _ in range(10):
        moved = deformed(original, rng)
        assert 0.5 < moved.sum() / original.sum() < 1.8
        assert np.abs(np.subtract(ndimage.center_of_mass(moved), ndimage.center_of_mass(original))).max() < 5
        pieces = np.bincount(ndimage.label(moved)[0].ravel())[1:]
        assert pieces.max() > 0.99 * pieces.sum()


def test_a_lesion_of_one_voxel_is_not_lost() -> None:
    original = np.zeros((12, 12), np.uint8)
    original[6, 6] = 2
    rng = np.random.default_rng(0)
    assert all((deformed(original, rng) == 2).any() for _ in range(30))


def test_rotations_are_rigid_and_bends_have_their_size() -> None:
    rng = np.random.default_rng(0)
    for dims in (2, 3):
        rotation = random_rotation(dims, rng)
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(dims), atol=1e-12)
    bend = random_bend((20, 30), rng)
    assert bend.shape == (2, 20, 30)
    np.testing.assert_allclose(np.sqrt((bend**2).mean(axis=(1, 2))), BEND * 20)


def test_label_maps_of_a_folder(cohort: PreparedCohort, tmp_path: Path) -> None:
    """NIfTI files come turned to RAS, as the prepared cohort is."""
    folder = tmp_path / "own"
    folder.mkdir()
    label_map = np.array(cohort.mask(cohort.test[0]))
    np.save(folder / "a.npy", label_map)
    if label_map.ndim == 2:
        Image.fromarray(label_map).save(folder / "b.png")
        volume, flip = label_map[..., None], label_map[::-1, :, None]
    else:
        volume, flip = label_map, label_map[::-1]
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), folder / "c.nii")
    nibabel.save(nibabel.Nifti1Image(flip, np.diag([-1.0, 1, 1, 1])), folder / "d.nii.gz")
    (folder / "notes.txt").write_text("left out")
    draw = MaskSource(str(folder), cohort, [])
    assert draw.names == ["a.npy", *(["b.png"] if label_map.ndim == 2 else []), "c.nii", "d.nii.gz"]
    rng = np.random.default_rng(0)
    for _ in range(20):
        found, name = draw(rng)
        assert name in draw.names
        assert np.array_equal(found, label_map)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.zeros((4, 4), np.uint8), r"own/bad\.npy: its shape is 4x4, but the prepared cohort's is 16x20"),
        ("values", r"own/bad\.npy: a label map must hold 0 \(background\) to 2 \(tumour, node\), but it holds 3, 255"),
        (b"no array", r"own/bad\.npy: not a whole label map"),
    ],
)
def test_a_wrong_file_is_named_before_anything_is_drawn(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path, content: np.ndarray | bytes | str, message: str
) -> None:
    cohort = make_cohort(shape=(16, 20), labels=("tumour", "node"))
    (tmp_path / "own").mkdir()
    if isinstance(content, bytes):
        (tmp_path / "own" / "bad.npy").write_bytes(content)
    else:
        np.save(tmp_path / "own" / "bad.npy", np.resize([3, 255], (16, 20)) if isinstance(content, str) else content)
    with pytest.raises(CohortError, match=message):
        MaskSource(str(tmp_path / "own"), cohort, [])


def test_folders_and_cohorts_without_masks_are_refused(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort()
    with pytest.raises(ConfigError, match="is no folder; give real, deformed, or a folder"):
        MaskSource("reel", cohort, cohort.development)
    (tmp_path / "own").mkdir()
    with pytest.raises(ConfigError, match="no label map in"):
        MaskSource(str(tmp_path / "own"), cohort, [])
    with pytest.raises(ConfigError, match="'balls' has no mask labels"):
        MaskSource("real", make_cohort("bare", labels=()), [])
