from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fidelity.case_files import phantoms, write_cases
from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.audit.membership import feature_distances, membership_auc, pixel_distances
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.measured import Measured


def attacked(training: Cases, held_out: Cases, synthetic: Cases) -> Measured:
    distances = [pixel_distances(real, synthetic) for real in (training, held_out)]
    return membership_auc(*distances, training.patients, held_out.patients, np.random.default_rng(0))


@pytest.mark.parametrize("shape", [(16, 16), (10, 12, 10)])
def test_a_memoriser_gives_its_training_set_away_and_others_do_not(tmp_path: Path, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    images, others, unrelated = (phantoms(count, shape, rng) for count in (30, 30, 40))
    training, held_out = write_cases(tmp_path / "training", images), write_cases(tmp_path / "held", others, name="held")
    copies = [np.flip(image, 1) + rng.normal(0, 0.02, image.shape) for image in images]
    known = attacked(training, held_out, write_cases(tmp_path / "copies", copies))
    assert known.value > 0.99 and known.low > 0.95
    unknown = attacked(training, held_out, write_cases(tmp_path / "unrelated", unrelated))
    assert unknown.low < 0.5 < unknown.high
    assert (unknown.floor, unknown.better) == (0.5, "lower")


def test_auc_of_known_distances() -> None:
    rng = np.random.default_rng(0)
    measured = membership_auc(np.array([1.0, 2, 3]), np.array([2.0, 4]), "abc", "de", rng)
    assert measured.value == pytest.approx((2 + 1.5 + 1) / 6)
    assert measured.low <= measured.value <= measured.high


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    names = [f"p{index:02d}" for index in range(30)]
    held = 0
    for _ in range(200):
        measured = membership_auc(rng.normal(size=30), rng.normal(size=30), names, names, rng)
        held += measured.low <= 0.5 <= measured.high
    assert 180 <= held <= 198


def test_many_cases_of_few_patients_do_not_narrow_the_interval() -> None:
    rng = np.random.default_rng(2)
    of_patients = rng.normal(size=(2, 12))
    few = membership_auc(*of_patients, *[list("abcdefghijkl")] * 2, rng)
    many = membership_auc(*np.repeat(of_patients, 20, axis=1), *[list(np.repeat(list("abcdefghijkl"), 20))] * 2, rng)
    assert many.value == pytest.approx(few.value)
    assert many.high - many.low == pytest.approx(few.high - few.low, rel=0.1)


def test_features_are_standardised() -> None:
    synthetic = np.random.default_rng(3).normal(size=(20, 4)) * [1, 1000, 1, 0]
    real = synthetic[:3] + [0.1, 0, 0, 0]
    assert feature_distances(real, synthetic) == pytest.approx(0.1 / synthetic[:, 0].std() / np.sqrt(3))


def test_a_generator_that_draws_one_picture_only_has_distances() -> None:
    real = np.random.default_rng(5).normal(size=(3, 4))
    for one in (np.full(4, 0.1), np.zeros(4)):
        assert feature_distances(real, np.tile(one, (10, 1))) == pytest.approx(
            np.sqrt(((real - one) ** 2).mean(axis=1))
        )


def test_the_same_seed_gives_the_same_interval() -> None:
    distances = np.random.default_rng(4).normal(size=(2, 10))
    first, second = (membership_auc(*distances, "abcdefghij", "klmnopqrst", np.random.default_rng(7)) for _ in "12")
    assert first == second


def test_no_attack_without_held_out_cases() -> None:
    with pytest.raises(SynthtrialError, match="5 and 0"):
        membership_auc(np.ones(5), np.ones(0), "abcde", "", np.random.default_rng(0))
