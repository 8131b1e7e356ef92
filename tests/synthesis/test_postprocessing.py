from __future__ import annotations

import numpy as np
import pytest

from synthtrial.cohorts.representations.channels import Channels
from synthtrial.cohorts.representations.padding import Padded
from synthtrial.errors import SynthtrialError
from synthtrial.synthesis.decoding import Decoder
from synthtrial.synthesis.postprocessing import keep_largest_components, label_map


def decoder(labels: list[str], **settings) -> Decoder:
    """A decoder of 4 x 4 images with one channel, padded to 6 x 6."""
    defaults = {"threshold": 0.0, "components": None, "min_lesion_voxels": 1}
    return Decoder(representation=Padded(Channels(labels, 1, (4, 4)), (6, 6)), **(defaults | settings))


def test_label_map_takes_the_highest_score_above_the_threshold() -> None:
    scores = np.array([[0.2, 0.9, -0.5, 0.1], [0.4, 0.1, -0.1, 0.1]])
    assert label_map(scores, 0.0).tolist() == [2, 1, 0, 1]
    assert label_map(scores, 0.3).tolist() == [2, 1, 0, 0]


def test_largest_components_are_kept_per_label() -> None:
    mask = np.array([[1, 1, 0, 2, 0, 2, 2], [1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 2]], np.uint8)
    once = keep_largest_components(mask, 1)
    assert once.tolist() == [[1, 1, 0, 0, 0, 2, 2], [1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]]
    assert (keep_largest_components(mask, 9) == mask).all()
    assert (keep_largest_components(mask, None) == mask).all()
    assert (keep_largest_components(once, 1) == once).all()


def test_voxels_that_touch_by_a_corner_are_one_component() -> None:
    mask = np.eye(3, dtype=np.uint8)
    assert (keep_largest_components(mask, 1) == mask).all()


def test_decoding_undoes_encoding() -> None:
    rng = np.random.default_rng(0)
    image = rng.uniform(-1, 1, (1, 4, 4)).astype(np.float32)
    mask = rng.integers(0, 3, (4, 4)).astype(np.uint8)
    decode = decoder(["tumour", "node"])
    case = decode(decode.representation.encode(image, mask))
    assert case.accepted
    assert (case.image == image).all() and (case.mask == mask).all()
    assert case.lesion_voxels == np.count_nonzero(mask)


def test_images_are_clipped() -> None:
    case = decoder(["lesion"])(np.full((2, 6, 6), 1.5, np.float32))
    assert case.image.max() == 1


def test_a_small_or_empty_lesion_rejects_the_case() -> None:
    drawn = np.full((2, 6, 6), -1, np.float32)
    assert decoder(["lesion"])(drawn).reason == "lesion of 0 voxels"
    drawn[1, 2, 2:4] = 1
    assert decoder(["lesion"], min_lesion_voxels=2)(drawn).accepted
    assert decoder(["lesion"], min_lesion_voxels=3)(drawn).reason == "lesion of 2 voxels"


def test_cases_without_labels_have_no_mask_and_are_accepted() -> None:
    case = decoder([])(np.zeros((1, 6, 6), np.float32))
    assert case.accepted and case.mask is None and case.lesion_voxels == 0


def test_values_that_are_not_finite_are_an_error() -> None:
    with pytest.raises(SynthtrialError, match="not finite"):
        decoder(["lesion"])(np.full((2, 6, 6), np.nan, np.float32))
