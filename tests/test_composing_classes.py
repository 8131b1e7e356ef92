"""Two-class studies that can't be are refused when they are composed, before a generator is trained for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthtrial.composing import compose
from synthtrial.errors import ConfigError

CONF = Path(__file__).resolve().parents[1] / "conf"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["protocol.metric=recall/malignent", "+arms.more={of: benign, duplicated: 1.0}"],
            r"names 3: 'malignant' \(protocol.positive\), 'malignent' \(protocol.metric\), 'benign' \(arms.more.of\)",
        ),
        (
            ["generators.dcgan.classes=[benign]"],
            r"arms.real\+synthetic_1.of is 'malignant', but 'dcgan' makes .*'benign'",
        ),
        (
            ["+arms.drawn={real: 0.0, synthetic: {dcgan: 0.5}}"],
            "arms.drawn trains on synthetic cases alone.*'malignant'",
        ),
        (["+arms.first={pretrain: 0.5, synthetic: {dcgan: 0.5}}"], "arms.first first trains on synthetic cases alone"),
        (
            ["classifiers.size_only.arms=all"],
            r"arm real\+synthetic_1, which has others: set classifiers.size_only.arms to",
        ),
        (["protocol.threshold=best"], "protocol.threshold"),
        (
            ["+arms.over={real: 0.0, synthetic: {dcgan: 0.5}, balance: oversampling}"],
            "arms.over.balance repeats real cases, but arms.over.real is 0",
        ),
    ],
)
def test_what_can_not_be_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compose(["study=two_class_demo", *words], CONF)


def test_sizes_need_masks() -> None:
    words = ["study=skin_cyclegan", "+classifier@classifiers.size_only=size_only"]
    with pytest.raises(ConfigError, match="classifiers.size_only.features is lesion_size, but the cohort .* no masks"):
        compose(words, CONF)


def test_two_draws_of_one_class_each_are_both_classes() -> None:
    params, _ = compose(
        ["study=brain_dcgan_small", "+arms.first={pretrain: 0.5, synthetic: ${arms.synthetic.synthetic}}"], CONF
    )
    assert "brain_dcgan_small-first-cnn" in params["classify_places"]
