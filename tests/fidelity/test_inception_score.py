from __future__ import annotations

import numpy as np
import pytest

from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.metrics.inception_score import inception_score


def test_equal_rows_score_one() -> None:
    assert inception_score(np.tile([0.2, 0.3, 0.5], (12, 1)), splits=3) == pytest.approx((1, 0))


def test_sure_and_balanced_rows_score_the_number_of_classes() -> None:
    assert inception_score(np.tile(np.eye(7), (4, 1))) == pytest.approx((7, 0))
    assert inception_score(np.tile(np.eye(7), (4, 1)), splits=2) == pytest.approx((7, 0))


def test_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.1, 0.9]])
    divergence = 0.9 * np.log(0.9 / 0.5) + 0.1 * np.log(0.1 / 0.5)
    assert inception_score(probabilities)[0] == pytest.approx(np.exp(divergence))


def test_splits_are_scored_one_by_one_in_order() -> None:
    one_class, two_classes = np.tile([[1.0, 0.0]], (4, 1)), np.tile(np.eye(2), (2, 1))
    assert inception_score(np.concatenate([one_class, two_classes]), splits=2) == pytest.approx((1.5, 0.5))


@pytest.mark.parametrize(
    ("probabilities", "splits", "message"),
    [
        (np.eye(4), 3, "at least 6 images, here are 4"),
        (np.eye(4), 0, "at least 1 split"),
        (np.ones(4), 1, "shape"),
        (np.full((4, 2), np.nan), 1, "NaN"),
        (np.random.default_rng(0).standard_normal((4, 3)), 1, "softmax"),
    ],
)
def test_what_is_no_probability_is_refused(probabilities: np.ndarray, splits: int, message: str) -> None:
    with pytest.raises(SynthtrialError, match=message):
        inception_score(probabilities, splits)
