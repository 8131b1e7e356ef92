"""Windows: to [-1, 1] and back."""

from __future__ import annotations

import numpy as np
import pytest

from synthtrial.cohorts.windowing import apply_window, invert_window, percentile_window
from synthtrial.errors import CohortError


def test_there_and_back():
    image = np.linspace(-1000, 600, 101)
    scaled = apply_window(image, -1000, 600)
    assert scaled.min() == -1 and scaled.max() == 1
    np.testing.assert_allclose(invert_window(scaled, -1000, 600), image, atol=1e-3)


def test_values_beyond_the_window_are_clipped():
    assert apply_window(np.array([-5.0, 50.0]), 0, 10).tolist() == [-1, 1]


def test_percentiles_ignore_outliers():
    image = np.concatenate([np.linspace(0, 100, 1001), [1.7e6]])
    assert percentile_window(image, [1, 99], "a") == pytest.approx((1, 99), abs=0.2)


def test_constant_image():
    with pytest.raises(CohortError, match="case a: its intensities are 3"):
        percentile_window(np.full(10, 3.0), [1, 99], "a")
