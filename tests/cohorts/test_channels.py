"""The `channels` representation: image first, then one channel per label."""

from __future__ import annotations

import numpy as np

from synthtrial.cohorts.representations.channels import Channels


def test_channels_are_the_image_and_then_the_labels() -> None:
    image = np.stack([np.full((2, 2), 0.25), np.full((2, 2), 0.75)]).astype(np.float32)
    mask = np.array([[0, 1], [2, 2]], np.uint8)
    representation = Channels(["anterior", "posterior"], 2, (2, 2))
    assert (representation.channels, representation.mask_channels, representation.grid) == (4, 2, (2, 2))
    array = representation.encode(image, mask)
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array[:2], image)
    np.testing.assert_array_equal(array[2], [[-1, 1], [-1, -1]])
    np.testing.assert_array_equal(array[3], [[-1, -1], [1, 1]])
