"""Evened contrast: faint structures stand out, ranges stay, constants stay."""

from __future__ import annotations

import numpy as np
import pytest

from synthtrial.cohorts.clahe import ClaheSettings, equalise
from synthtrial.errors import ConfigError


def dim_half(shape: tuple[int, ...]) -> np.ndarray:
    """Noise whose first half along the first axis has a tenth of the contrast of the second."""
    image = np.random.default_rng(0).uniform(-0.8, 0.8, (1, *shape)).astype(np.float32)
    image[:, : shape[0] // 2] *= 0.1
    return image


@pytest.mark.parametrize("shape", [(32, 32), (16, 16, 16)])
def test_faint_parts_gain_contrast(shape):
    image = dim_half(shape)
    out = equalise(image, ClaheSettings(clip_limit=0.03, tiles=4))
    quarter = shape[0] // 4
    assert out.shape == image.shape and out.dtype == np.float32 and np.abs(out).max() <= 1
    assert out[:, :quarter].std() > 1.5 * image[:, :quarter].std()


def test_a_higher_limit_gives_more_contrast():
    image = dim_half((32, 32))
    low, high = (equalise(image, ClaheSettings(clip_limit=limit, tiles=4)) for limit in (0.005, 0.1))
    assert high[:, :8].std() > low[:, :8].std()


def test_channels_are_alone_and_constant_ones_stay():
    image = np.concatenate([dim_half((32, 32)), np.full((1, 32, 32), 0.25, np.float32)])
    out = equalise(image, ClaheSettings())
    np.testing.assert_array_equal(out[1], image[1])
    np.testing.assert_array_equal(out[:1], equalise(image[:1], ClaheSettings()))


def test_settings_are_checked():
    with pytest.raises(ConfigError, match="clip_limit must be above 0"):
        ClaheSettings(clip_limit=0.0)
