"""The `channels` representation: exact round trips."""

from __future__ import annotations

import numpy as np
import pytest

from synthtrial.cohorts.representations.channels import Channels
from synthtrial.errors import ConfigError


@pytest.mark.parametrize(
    ("shape", "padded"), [((5, 6), (8, 8)), ((5, 6, 7), (8, 8, 8)), ((8, 8, 8), (8, 8, 8)), ((4, 7, 3), (4, 9, 16))]
)
@pytest.mark.parametrize("labels", [[], ["lesion"], ["anterior", "posterior"]])
@pytest.mark.parametrize("image_channels", [1, 3])
def test_round_trip(shape: tuple[int, ...], padded: tuple[int, ...], labels: list[str], image_channels: int) -> None:
    rng = np.random.default_rng(0)
    image = rng.uniform(-1, 1, (image_channels, *shape)).astype(np.float32)
    mask = rng.integers(0, len(labels) + 1, shape).astype(np.uint8)
    representation = Channels(labels, image_channels, shape, padded)
    array = representation.encode(image, mask)
    assert array.shape == (representation.channels, *padded)
    assert array.dtype == np.float32
    decoded, scores = representation.decode(array)
    np.testing.assert_array_equal(decoded, image)
    for index, score in enumerate(scores):
        np.testing.assert_array_equal(score, np.where(mask == index + 1, 1, -1))


def test_padding_is_background_around_the_centre() -> None:
    array = Channels(["lesion"], 1, (2, 2), (6, 6)).encode(np.ones((1, 2, 2), np.float32), np.ones((2, 2), np.uint8))
    assert (array[:, 2:4, 2:4] == 1).all()
    assert array.sum() == 2 * (4 - 32)


def test_a_case_larger_than_the_array_is_refused() -> None:
    with pytest.raises(ConfigError, match="8x8x8 voxels can't hold a case of 8x9x8"):
        Channels([], 1, (8, 9, 8), (8, 8, 8))
