"""All representations: exact round trips, where each voxel goes, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synthtrial.cohorts.representations.building import build_representation, grid_of
from synthtrial.cohorts.representations.channels import Channels
from synthtrial.cohorts.representations.image_only import ImageOnly
from synthtrial.cohorts.representations.interleave import Interleave
from synthtrial.cohorts.representations.mosaic import Mosaic
from synthtrial.cohorts.representations.padding import Padded
from synthtrial.cohorts.representations.representation import Representation
from synthtrial.cohorts.representations.slices import Slices
from synthtrial.cohorts.representations.z_concat import ZConcat
from synthtrial.errors import ConfigError
from synthtrial.synthesis.postprocessing import label_map

PLACE = "synthtrial.cohorts.representations"
ALL: list[tuple[type, dict[str, Any]]] = [
    (Channels, {}),
    (ZConcat, {}),
    (ZConcat, {"mask_levels": "grey"}),
    (Interleave, {}),
    (Interleave, {"mask_levels": "grey"}),
    (Mosaic, {}),
    (Mosaic, {"columns": 3}),
    (Slices, {}),
]


def random_case(shape: tuple[int, ...], n_labels: int, image_channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    image = rng.uniform(-1, 1, (image_channels, *shape)).astype(np.float32)
    return image, rng.integers(0, n_labels + 1, shape).astype(np.uint8)


@pytest.mark.parametrize(("kind", "settings"), ALL)
@pytest.mark.parametrize("labels", [[], ["lesion"], ["anterior", "posterior"], ["a", "b", "c"]])
@pytest.mark.parametrize("image_channels", [1, 3])
@pytest.mark.parametrize("margin", [0, 3])
def test_round_trip(kind: type, settings: dict[str, Any], labels: list[str], image_channels: int, margin: int) -> None:
    image, mask = random_case((4, 5, 7), len(labels), image_channels)
    bare: Representation = kind(labels, image_channels, (4, 5, 7), **settings)
    representation = Padded(bare, [size + margin for size in bare.grid])
    array = representation.encode(image, mask)
    assert array.shape == (representation.channels, *representation.grid) and array.dtype == np.float32
    decoded, scores = representation.decode(array)
    np.testing.assert_array_equal(decoded, image)
    assert scores.shape == (len(labels), 4, 5, 7)
    for index, score in enumerate(scores):
        np.testing.assert_allclose(score, np.where(mask == index + 1, 1, -1), atol=1e-6)


@pytest.mark.parametrize("kind", [Channels, ImageOnly])
def test_pictures(kind: type) -> None:
    image, mask = random_case((4, 5), 1, image_channels=3)
    decoded, scores = kind(["lesion"], 3, (4, 5)).decode(kind(["lesion"], 3, (4, 5)).encode(image, mask))
    np.testing.assert_array_equal(decoded, image)
    assert scores.shape == (0 if kind is ImageOnly else 1, 4, 5)


@pytest.mark.parametrize(("kind", "settings"), ALL)
def test_the_last_channels_are_masks_where_it_says_so(kind: type, settings: dict[str, Any]) -> None:
    representation = kind(["a", "b"], 1, (4, 5, 7), **settings)
    _, mask = random_case((4, 5, 7), 2)
    array = representation.encode(np.full((1, 4, 5, 7), 0.5, np.float32), mask)
    first = representation.channels - representation.mask_channels
    assert (0.5 in array[:first]) and not (array[first:] == 0.5).any()


def test_study_a_cube_is_image_below_and_mask_above() -> None:
    representation = ZConcat(["tumour"], 1, (128, 128, 64))
    assert (representation.channels, representation.grid) == (1, (128, 128, 128))
    image, mask = random_case((128, 128, 64), 1)
    cube = representation.encode(image, mask)[0]
    np.testing.assert_array_equal(cube[..., :64], image[0])
    np.testing.assert_array_equal(cube[..., 64:], mask * 2.0 - 1)


def test_grey_levels_are_study_a_window() -> None:
    representation = ZConcat(["tumour", "node"], 1, (1, 1, 3), mask_levels="grey")
    array = representation.encode(np.zeros((1, 1, 1, 3), np.float32), np.array([[[0, 1, 2]]], np.uint8))
    assert array.ravel().tolist() == [0, 0, 0, -1, 0, 1]
    for grey, nearest in ((-0.6, 0), (-0.4, 1), (0.4, 1), (0.6, 2)):
        scores = representation.decode(np.full((1, 1, 1, 6), grey, np.float32))[1]
        assert (label_map(scores, 0.0) == nearest).all()


def test_interleaved_slices_take_turns() -> None:
    image, mask = random_case((2, 2, 3), 2)
    volume = Interleave(["a", "b"], 1, (2, 2, 3)).encode(image, mask)[0]
    np.testing.assert_array_equal(volume[..., 0::3], image[0])
    np.testing.assert_array_equal(volume[..., 1::3], np.where(mask == 1, 1, -1))
    np.testing.assert_array_equal(volume[..., 2::3], np.where(mask == 2, 1, -1))


def test_slices_are_channels() -> None:
    image, mask = random_case((2, 3, 4), 1)
    representation = Slices(["lesion"], 1, (2, 3, 4))
    assert (representation.channels, representation.mask_channels, representation.grid) == (8, 4, (2, 3))
    np.testing.assert_array_equal(representation.encode(image, mask)[2], image[0, ..., 2])


def test_tiles_lie_row_by_row_and_the_rest_is_background() -> None:
    image, mask = random_case((2, 3, 5), 1)
    representation = Mosaic(["lesion"], 1, (2, 3, 5), columns=3)
    assert (representation.channels, representation.mask_channels, representation.grid) == (2, 1, (4, 9))
    page = representation.encode(image, mask)[0]
    np.testing.assert_array_equal(page[:2, 3:6], image[0, ..., 1])
    np.testing.assert_array_equal(page[2:, :3], image[0, ..., 3])
    assert (page[2:, 6:] == -1).all()


@pytest.mark.parametrize(
    ("shape", "columns", "page"),
    [
        ((128, 160, 184), 23, (1024, 3680)),
        ((154, 154, 138), 23, (924, 3542)),
        ((128, 128, 64), None, (1024, 1024)),
        ((64, 64, 32), None, (384, 384)),
        ((64, 16, 4), None, (64, 64)),
        ((8, 8, 1), None, (8, 8)),
    ],
)
def test_sizes_of_pages(shape: tuple[int, ...], columns: int | None, page: tuple[int, int]) -> None:
    assert Mosaic(["lesion"], 1, shape, columns=columns).grid == page


def test_padding_is_background_around_the_centre() -> None:
    padded = Padded(Channels(["lesion"], 1, (2, 2)), (6, 6))
    array = padded.encode(np.ones((1, 2, 2), np.float32), np.ones((2, 2), np.uint8))
    assert (array[:, 2:4, 2:4] == 1).all()
    assert array.sum() == 2 * (4 - 32)


@pytest.mark.parametrize("kind", [ZConcat, Interleave, Mosaic, Slices])
def test_pictures_have_no_slices(kind: type) -> None:
    with pytest.raises(ConfigError, match="a case of this cohort is 8x8 .2D.: choose channels or image_only"):
        kind(["lesion"], 1, (8, 8))


def test_more_columns_than_slices() -> None:
    with pytest.raises(ConfigError, match="expected 1 to 5, the slices of a case, but is 6"):
        Mosaic([], 1, (8, 8, 5), columns=6)


def test_a_case_larger_than_the_array_is_refused() -> None:
    with pytest.raises(ConfigError, match="8x8x8 voxels can't hold a case of 8x9x8"):
        Padded(Channels([], 1, (8, 9, 8)), (8, 8, 8))
    with pytest.raises(ConfigError, match="32x32x32 voxels can't hold a case of 16x16"):
        Padded(Mosaic([], 1, (8, 8, 4)), (32, 32, 32))


def test_building_from_settings() -> None:
    settings = {"_target_": f"{PLACE}.mosaic.Mosaic", "columns": 2}
    assert grid_of(settings, ["lesion"], 1, [8, 8, 4]) == (2, 1, (16, 16))
    facts = {"labels": ["lesion"], "image_channels": 1, "shape": [8, 8, 4], "padded_shape": [16, 32]}
    assert build_representation({**settings, **facts}).grid == (16, 32)
    with pytest.raises(ConfigError, match="Mosaic has no key 'colums'.*did you mean 'columns'"):
        grid_of({"_target_": f"{PLACE}.mosaic.Mosaic", "colums": 2}, [], 1, [8, 8, 4])
    with pytest.raises(ConfigError, match="mask_levels: expected one of binary, grey"):
        grid_of({"_target_": f"{PLACE}.z_concat.ZConcat", "mask_levels": "gray"}, [], 1, [8, 8, 4])
