"""Augmented copies: image and mask change alike, test cases get none, the same bytes come from the same seed."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nifti_files import write_pair
from PIL import Image
from scipy import ndimage

from synthtrial.cohorts.augment_settings import read_augmentation
from synthtrial.cohorts.augment_transforms import altered
from synthtrial.cohorts.augmenting import draw_copy
from synthtrial.cohorts.image_folder import ImageFolder
from synthtrial.cohorts.nifti_pairs import NiftiPairs
from synthtrial.cohorts.prepared import AUGMENTED_COLUMNS, PreparedCohort
from synthtrial.cohorts.preparing import prepare
from synthtrial.cohorts.settings import PrepareSettings
from synthtrial.errors import CohortError, ConfigError

STILL = {"translate": [0, 0, 0], "rotate": [0, 0, 0], "scale": [1, 1]}
MOVED = {"translate": [1, 1, 1], "rotate": [5, 5, 45], "scale": [0.85, 1.15]}
ALL = {
    "copies": 2,
    "affine": MOVED,
    "elastic": {"sigma": [2, 3], "magnitude": [5, 9]},
    "resample": {"coarsest": [2] * 3},
}


def ball(shape: tuple[int, ...] = (24, 20, 16), radius: float = 5) -> tuple[np.ndarray, np.ndarray]:
    """A bright ball in the middle, and its mask."""
    grid = np.stack(np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in shape], indexing="ij"))
    mask = ((grid**2).sum(0) <= radius**2).astype(np.uint8)
    return (mask[None] * 1.8 - 0.9).astype(np.float32), mask


def draw(kind: str, config: dict[str, Any], pair: tuple[np.ndarray, np.ndarray], seed: int = 0, beyond: str = "border"):
    settings = read_augmentation({"copies": 1, "beyond": beyond, kind: config}, pair[1].ndim)
    return altered(pair, kind, settings, np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("affine", STILL),
        ("elastic", {"sigma": [2, 2], "magnitude": [1e-6, 1e-6], "affine": STILL}),
        ("resample", {"coarsest": [1, 1, 1]}),
    ],
)
def test_nothing_asked_for_is_nothing_done(kind: str, config: dict[str, Any]) -> None:
    image, mask = draw(kind, config, ball())
    np.testing.assert_allclose(image, ball()[0], atol=1e-5)
    np.testing.assert_array_equal(mask, ball()[1])


@pytest.mark.parametrize("shape", [(24, 20, 16), (25, 20)])
@pytest.mark.parametrize("kind", ["affine", "elastic", "resample"])
def test_image_and_mask_change_alike(kind: str, shape: tuple[int, ...]) -> None:
    axes = len(shape)
    affine = {"translate": [3] * axes, "rotate": [30] * (3 if axes == 3 else 1), "scale": [0.9, 1.1]}
    elastic = {"sigma": [2, 4], "magnitude": [10, 30] if axes == 3 else [5, 9], "affine": affine}
    config = {"affine": affine, "elastic": elastic, "resample": {"coarsest": [2] * axes}}[kind]
    for seed in range(3):
        image, mask = draw(kind, config, ball(shape), seed)
        assert image.dtype == np.float32 and mask.dtype == np.uint8 and set(np.unique(mask)) == {0, 1}
        assert not np.array_equal(mask, ball(shape)[1]) or not np.allclose(image, ball(shape)[0], atol=0.01)
        # Linear and nearest reading part at the surface alone.
        surface = ndimage.binary_dilation(mask) & ~ndimage.binary_erosion(mask)
        assert not ((image[0] > 0) != mask)[~surface].any()


def test_content_grows_with_scale_and_moves_no_farther_than_told() -> None:
    _, larger = draw("affine", {**STILL, "scale": [1.2, 1.2]}, ball())
    assert larger.sum() / ball()[1].sum() == pytest.approx(1.2**3, rel=0.1)
    for seed in range(5):
        _, moved = draw("affine", {**STILL, "translate": [4, 0, 2]}, ball(), seed)
        shift = np.argwhere(moved).mean(0) - np.argwhere(ball()[1]).mean(0)
        assert (np.abs(shift) <= [4.1, 0.1, 2.1]).all() and np.abs(shift).max() > 0.1


def test_beyond_the_grid() -> None:
    bright = np.full((1, 8, 8), 0.5, np.float32), np.ones((8, 8), np.uint8)
    config = {"translate": [4, 4], "rotate": [0], "scale": [0.5, 0.5]}
    image, mask = draw("affine", config, bright, beyond="background")
    assert image.min() == -1 and image.max() == 0.5 and 0 < mask.mean() < 1
    for beyond in ("border", "reflection"):
        image, mask = draw("affine", config, bright, beyond=beyond)
        np.testing.assert_allclose(image, 0.5, atol=1e-6)
        assert mask.all()


def test_a_copy_that_loses_its_lesion_is_drawn_again_or_left_out() -> None:
    far = {"translate": [0, 0, 0], "rotate": [0, 0, 0], "scale": [1, 1]}
    near_the_edge = ball(radius=2)
    for distance, found in (([16, 0, 0], 8), ([0, 0, 4000], 0)):
        config = {"copies": 1, "beyond": "background", "affine": {**far, "translate": distance}}
        settings = read_augmentation(config, 3)
        copies = [draw_copy(near_the_edge, f"c{k}", "affine", settings, 0) for k in range(8)]
        shown = [copy for copy in copies if copy is not None]
        assert len(shown) == found and all(mask.any() for _, mask in shown)
    healthy = near_the_edge[0], np.zeros_like(near_the_edge[1])
    assert draw_copy(healthy, "c", "affine", settings, 0) is not None


@pytest.fixture
def reader(tmp_path: Path) -> NiftiPairs:
    for k in range(8):
        write_pair(tmp_path / "raw", f"{'AB'[k % 2]}{k}", shape=(9 + k, 10, 7), affine=np.diag([-1.0, -1.0, 2.0, 1.0]))
    places = {"image": "images/{case}.nii.gz", "mask": "labels/{case}.nii.gz", "labels": {"lesion": 1}}
    return NiftiPairs(name="test", root=str(tmp_path / "raw"), site="^[AB]", **places)


def prepared(reader: Any, folder: Path, augment: dict[str, Any] | None, workers: int = 1, **changed) -> PreparedCohort:
    settings = {"shape": [8, 8, 8], "window": {"low": -500, "high": 500}, "folds": 3, "augment": augment, **changed}
    prepare(reader, folder, settings=PrepareSettings(**settings), seed=1, workers=workers)
    return PreparedCohort(folder)


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_only_development_cases_get_copies_and_copies_stay_in_their_fold(reader, tmp_path) -> None:
    cohort = prepared(reader, tmp_path / "out", ALL)
    assert list(cohort.augmented.columns) == list(AUGMENTED_COLUMNS)
    assert cohort.test and cohort.augmented_of(cohort.test) == []
    assert len(cohort.augmented_of(cohort.development)) == len(cohort.development) * 3 * 2 == len(cohort.augmented)
    for fold in cohort.folds:
        others = {case_id for other in cohort.folds if other != fold for case_id in other} | {*cohort.test}
        assert cohort.patients(cohort.augmented_of(fold)) == cohort.patients(fold)
        assert not cohort.patients(cohort.augmented_of(fold)) & cohort.patients(others)
    case_id = cohort.folds[0][0]
    kinds = [f"{kind}{number}" for kind in ("affine", "elastic", "resample") for number in (1, 2)]
    assert cohort.augmented_of([case_id]) == [f"{case_id}-{kind}" for kind in kinds]
    for copy_id in cohort.augmented_of([case_id]):
        assert cohort.source_of(copy_id) == case_id and cohort.augmented.at[copy_id, "site"] == case_id[0]
        assert cohort.window(copy_id) == cohort.window(case_id)
        assert (cohort.affine(copy_id) == cohort.affine(case_id)).all()
        assert cohort.stored_image(copy_id).dtype == np.int16 and np.abs(cohort.image(copy_id)).max() <= 1
        assert cohort.image(copy_id).shape == (1, 8, 8, 8) and not np.array_equal(
            cohort.image(copy_id), cohort.image(case_id)
        )
        assert cohort.mask(copy_id).dtype == np.uint8 and cohort.mask(copy_id).any()


def test_originals_are_untouched_and_copies_are_repeatable(reader, tmp_path) -> None:
    plain = prepared(reader, tmp_path / "plain", None)
    assert plain.augmented_of(plain.development) == [] and not (tmp_path / "plain/augmented").exists()
    for name in ("one", "two"):
        prepared(reader, tmp_path / name, ALL)
    one = hashes(tmp_path / "one")
    assert one == hashes(tmp_path / "two")
    assert {name: value for name, value in one.items() if not name.startswith("augmented")} == hashes(plain.folder)


@pytest.mark.slow
def test_same_bytes_for_any_number_of_workers(reader, tmp_path) -> None:
    for name, workers in (("one", 1), ("two", 2)):
        prepared(reader, tmp_path / name, ALL, workers)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")


def test_copies_do_not_depend_on_other_kinds_or_cases(reader, tmp_path) -> None:
    both = prepared(reader, tmp_path / "both", ALL)
    alone = prepared(reader, tmp_path / "alone", {"copies": 1, "affine": MOVED}, folds=2)
    shared = set(both.augmented.index) & set(alone.augmented.index)
    assert shared
    for copy_id in shared:
        np.testing.assert_array_equal(both.stored_image(copy_id), alone.stored_image(copy_id))


def test_lost_copies_are_told(reader, tmp_path, caplog) -> None:
    far = {**STILL, "translate": [0, 0, 4000]}
    with caplog.at_level(logging.WARNING):
        cohort = prepared(reader, tmp_path / "out", {"copies": 1, "beyond": "background", "affine": far})
    assert cohort.augmented_of(cohort.development) == []
    assert f"{len(cohort.development)} augmented copies were left out" in caplog.text


def test_a_case_with_the_id_of_a_copy_is_refused(reader, tmp_path) -> None:
    for k in range(8):
        write_pair(tmp_path / "raw", f"{'AB'[k % 2]}{k}-affine1")
    with pytest.raises(CohortError, match="has the id of an augmented copy"):
        prepared(reader, tmp_path / "out", ALL)
    assert not (tmp_path / "out").exists()


def test_pictures_without_masks(tmp_path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "raw" / "a").mkdir(parents=True)
    for k in range(5):
        Image.fromarray(rng.integers(0, 255, (16, 12, 3)).astype(np.uint8)).save(tmp_path / "raw" / "a" / f"{k}.png")
    affine = {"translate": [2, 2], "rotate": [90], "scale": [0.9, 1.1]}
    elastic = {"sigma": [2, 3], "magnitude": [5, 9], "affine": affine}
    augment = {"copies": 1, "affine": affine, "elastic": elastic, "resample": {"coarsest": [2, 2]}}
    reader = ImageFolder(name="test", root=str(tmp_path / "raw"), colour="RGB")
    flat = {"shape": [16, 16], "window": {"low": 0, "high": 255}, "fit": "resize"}
    cohort = prepared(reader, tmp_path / "out", augment, **flat)
    copies = cohort.augmented_of(cohort.development)
    assert len(copies) == 3 * len(cohort.development)
    assert cohort.image(copies[0]).shape == (3, 16, 16) and not cohort.mask(copies[0]).any()
    assert cohort.augmented.at[copies[0], "label"] == "a" and not (tmp_path / "out/augmented/masks").exists()


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        ({"copies": 0, "affine": MOVED}, "at least one copy"),
        ({"copies": 1}, "one of affine, elastic and resample"),
        ({"affine": MOVED}, "prepare.augment.copies is missing"),
        ({"copies": 1, "affin": MOVED}, "has no key 'affin'.*did you mean 'affine'"),
        ({"copies": 1, "beyond": "wrap", "affine": MOVED}, "beyond: expected one of background, border, reflection"),
        ({"copies": 1, "affine": {**MOVED, "translate": [1, 1]}}, "affine.translate: expected 3 numbers"),
        ({"copies": 1, "affine": {**MOVED, "rotate": [45]}}, "affine.rotate: expected 3 numbers"),
        ({"copies": 1, "affine": {**MOVED, "scale": [1.1, 0.9]}}, r"affine.scale: expected \[smallest, largest\]"),
        ({"copies": 1, "affine": 3}, "prepare.augment.affine: expected a group of keys"),
        ({"copies": 1, "elastic": {"sigma": [5, 8]}}, "elastic.magnitude is missing"),
        ({"copies": 1, "elastic": {"sigma": [1, 2], "magnitude": [1, 2], "affine": {}}}, "elastic.affine.translate is"),
        ({"copies": 1, "resample": {"coarsest": [0.5, 1, 1]}}, "coarsest: expected 3 numbers of at least 1"),
    ],
)
def test_settings_that_cannot_be(augment: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PrepareSettings(shape=[8, 8, 8], window={"low": 0, "high": 1}, augment=augment)


def test_2d_rotates_about_one_axis() -> None:
    with pytest.raises(ConfigError, match="rotate: expected 1 number of"):
        PrepareSettings(
            shape=[8, 8],
            window={"low": 0, "high": 1},
            augment={"copies": 1, "affine": {"translate": [1, 1], "rotate": [1, 1], "scale": [1, 1]}},
        )
