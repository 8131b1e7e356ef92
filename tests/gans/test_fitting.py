"""Which size a family makes for a given shape."""

from __future__ import annotations

import pytest

from synthtrial.errors import ConfigError
from synthtrial.gans.fitting import as_size, fitted_size

ANY = {"cube": False, "multiple_of": 8, "smallest": 8, "sizes": None}
CUBES = {"cube": True, "multiple_of": 32, "smallest": 32, "sizes": [32, 64, 128, 256]}


def test_every_axis_is_rounded_up() -> None:
    assert fitted_size([112, 165], ANY) == [112, 168]


def test_a_cube_holds_the_longest_axis() -> None:
    assert fitted_size([48, 65, 48], CUBES) == [128, 128, 128]
    assert fitted_size([32, 32, 8], CUBES) == [32, 32, 32]


def test_a_shape_that_is_too_large_is_refused_with_the_sizes() -> None:
    with pytest.raises(ConfigError, match="32, 64, 128, 256"):
        fitted_size([300, 64, 64], CUBES)


def test_image_size_is_one_number_or_one_per_axis() -> None:
    assert as_size(64, 3) == (64, 64, 64)
    assert as_size([112, 168], 2) == (112, 168)
    with pytest.raises(ConfigError, match="2 axes, but spatial_dims is 3"):
        as_size([112, 168], 3)
