from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from scipy.stats import binom

from fidelity.case_files import phantoms, write_cases
from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.fidelity.audit.alignment import Alignment, best_shift
from synthtrial.fidelity.audit.coarse import CoarseCases
from synthtrial.fidelity.audit.copies import CopyDetector
from synthtrial.fidelity.audit.neighbours import FeatureNeighbours
from synthtrial.fidelity.audit.rule import tail_factor

SHAPES = [(24, 20), (18, 16, 12)]


def shifted(image: np.ndarray, shift: tuple[int, ...], fill: str) -> np.ndarray:
    """Shift an image by whole voxels; what comes in is its border, the other side, a constant or noise."""
    axes = tuple(range(1, image.ndim))
    if fill == "wrap":
        return np.roll(image, shift, axes)
    moved = ndimage.shift(image, (0, *shift), order=0, mode="nearest" if fill == "nearest" else "constant", cval=0)
    if fill == "noise":
        inside = ndimage.shift(np.ones_like(image), (0, *shift), order=0, mode="constant", cval=0) > 0
        moved = np.where(inside, moved, np.random.default_rng(0).uniform(-1, 1, image.shape))
    return moved.astype(np.float32)


def altered(image: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """All alterations of a copy that must be caught."""
    dims = image.ndim - 1
    copies = {"exact": image}
    for index, shift in enumerate(s for s in product((-1, 0, 1), repeat=dims) if any(s)):
        fill = ("wrap", "nearest", "constant", "noise")[index % 4]
        copies[f"shifted by {shift}, {fill}"] = shifted(image, shift, fill)
    for axes in (a for n in range(1, dims + 1) for a in product(range(1, dims + 1), repeat=n) if len(set(a)) == n):
        copies[f"flipped {sorted(axes)}"] = np.flip(image, axes)
    copies["noisy"] = image + rng.normal(0, 0.02, image.shape).astype(np.float32)
    copies["brighter"] = np.clip(1.05 * image + 0.05, -1, 1)
    everything = np.flip(shifted(image, (1,) + (-1,) * (dims - 1), "noise"), 1)
    copies["flipped, shifted and noisy"] = everything + rng.normal(0, 0.02, image.shape).astype(np.float32)
    return copies


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [4, 20])
def test_every_planted_copy_is_caught(tmp_path: Path, shape: tuple[int, ...], count: int) -> None:
    rng = np.random.default_rng(count)
    images = phantoms(count, shape, rng)
    detector = CopyDetector(write_cases(tmp_path, images), rate=0.01)
    for index in (0, count - 1):
        for name, copy in altered(images[index], rng).items():
            nearest = detector(copy)
            assert nearest.copy and nearest.case_id == f"case{index:03d}", name
            assert nearest.distance < (0.015 if "noisy" in name or name == "brighter" else 1e-6), name


@pytest.mark.parametrize("shape", SHAPES)
def test_the_alignment_moves_the_training_case_onto_its_copy(shape: tuple[int, ...]) -> None:
    image = phantoms(1, shape, np.random.default_rng(0))[0]
    copy = np.flip(shifted(image, (1,) + (-2,) * (len(shape) - 1), "nearest"), 2)
    mirrored = (False, True) + (False,) * (len(shape) - 2)
    distance, alignment = best_shift(copy, image, mirrored)
    assert distance < 1e-6
    assert alignment == Alignment(mirrored, (1,) + (-2,) * (len(shape) - 1))
    assert (alignment.onto(image) == copy).all()
    assert str(alignment).startswith("mirrored along axis 2, shifted by 1, -2")


def phantom_features(patients: int, cases: int, rng: np.random.Generator) -> np.ndarray:
    """Features `(patients, cases, 6)`; cases of a patient are alike, and some patients are more usual than others."""
    usual = np.exp(rng.normal(0, 0.5, (patients, 1, 1)))
    return rng.normal(size=(patients, 1, 6)) * usual + 0.3 * rng.normal(size=(patients, cases, 6))


@pytest.mark.parametrize(
    ("patients", "cases", "rate"), [(4, 1, 0.01), (10, 2, 0.01), (20, 1, 0.3), (40, 1, 0.01), (30, 3, 0.1)]
)
def test_held_out_patients_are_flagged_at_most_at_the_stated_rate(patients: int, cases: int, rate: float) -> None:
    """Over many cohorts, each with one held-out patient: these are independent, so that their number is binomial."""
    rng = np.random.default_rng(1)
    cohorts, flagged = 300 if patients * cases < 40 else 80, 0
    names = [f"p{patient:02d}" for patient in range(patients) for _ in range(cases)]
    for _ in range(cohorts):
        drawn = phantom_features(patients + 1, cases, rng)
        detector = FeatureNeighbours(drawn[:-1].reshape(-1, 6), names, names, rate=rate, limit=1)
        flagged += any(detector(one).copy for one in drawn[-1])
    assert flagged <= binom.ppf(0.999, cohorts, detector.rule.stated_rate)


@pytest.mark.parametrize("shape", [(12, 12), (8, 8, 8)])
def test_held_out_images_are_flagged_at_most_at_the_stated_rate(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """Few held-out images per cohort, which share its threshold: their number scatters more than a binomial one."""
    rng = np.random.default_rng(2)
    flagged = []
    for cohort in range(8):
        training = write_cases(tmp_path / str(cohort), phantoms(16, shape, rng))
        detector = CopyDetector(training, rate=0.25, limit=1)
        flagged.append(np.mean([detector(image).copy for image in phantoms(12, shape, rng)]))
    assert detector.rule.stated_rate == pytest.approx(4 / 17)
    assert np.mean(flagged) <= 4 / 17 + 3 * np.std(flagged) / np.sqrt(len(flagged))
    assert np.mean(flagged) > 0.02


def test_the_stated_rate_is_what_the_number_of_patients_allows() -> None:
    rng = np.random.default_rng(0)
    for patients, rate, stated in ((48, 0.01, 2 / 49), (48, 0.1, 4 / 49), (199, 0.01, 2 / 200), (199, 0.05, 10 / 200)):
        names = [f"p{patient:03d}" for patient in range(patients)]
        rule = FeatureNeighbours(rng.normal(size=(patients, 4)), names, names, rate=rate).rule
        assert rule.stated_rate == pytest.approx(stated)
        assert rule.threshold <= np.sort(rule.scores)[round(stated * (patients + 1)) - 2]


def test_a_copy_is_at_least_twice_as_close_as_usual() -> None:
    """In many dimensions all cases are equally far apart, and the smallest score of real ones is near 1."""
    features = np.random.default_rng(0).normal(size=(21, 3000))
    names = [f"p{patient:02d}" for patient in range(20)]
    detector = FeatureNeighbours(features[:20], names, names, rate=0.01)
    assert detector.rule.scores.min() > 0.9 and detector.rule.threshold == 0.5
    weights = (0.9, 0.3)
    assert [detector(w * features[4] + (1 - w) * features[20]).copy for w in weights] == [True, False]


def test_the_tail_of_a_power_law_is_found() -> None:
    scores = np.sort(np.random.default_rng(0).uniform(size=4000) ** (1 / 8))  # P(score < x) = x^8
    assert tail_factor(scores, 0.25) == pytest.approx(0.25 ** (1 / 8), abs=0.01)
    assert tail_factor(scores, 1.0) == 1


def test_cases_of_one_patient_are_no_copies_of_each_other(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    images = [one for image in phantoms(6, (16, 16), rng) for one in (image, image + rng.normal(0, 0.01, image.shape))]
    patients = tuple(f"p{index // 2}" for index in range(12))
    rule = CopyDetector(write_cases(tmp_path, images, patients), rate=0.01).rule
    assert rule.scores.min() > 0.5
    assert not rule.duplicates


def test_an_image_listed_under_two_patients_does_not_open_the_gate(tmp_path: Path) -> None:
    images = phantoms(12, (20, 20), np.random.default_rng(4))
    training = write_cases(tmp_path, [*images, np.flip(images[3], 1)])
    detector = CopyDetector(training, rate=0.01)
    assert detector.rule.duplicates == [(3, 12)]
    assert detector(images[0] + np.random.default_rng(0).normal(0, 0.02, (1, 20, 20))).copy
    assert not any(detector(image).copy for image in phantoms(10, (20, 20), np.random.default_rng(5)))


def test_a_blurred_average_is_no_copy(tmp_path: Path) -> None:
    images = phantoms(20, (24, 24), np.random.default_rng(6))
    detector = CopyDetector(write_cases(tmp_path, images), rate=0.01)
    average = detector(np.mean(images, axis=0))
    assert average.distance < np.median(detector.rule.distances)
    assert not average.copy


def test_the_gate_says_why(tmp_path: Path) -> None:
    images = phantoms(8, (16, 16, 16), np.random.default_rng(7))
    detector = CopyDetector(write_cases(tmp_path, images[:7]), rate=0.01)
    copy = detector(np.flip(images[2], (1, 3)))
    assert copy.reason.startswith("copy of case002 (distance 0.000, 0.00 of the usual one, limit 0.")
    assert copy.reason.endswith("mirrored along axis 1 and 3)")
    assert detector(images[7]).reason == ""


@pytest.mark.parametrize("shape", [(9, 7), (128, 40), (5, 6, 7), (33, 20, 4)])
def test_odd_shapes_and_channels(tmp_path: Path, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(8)
    images = [np.concatenate(pair) for pair in zip(phantoms(5, shape, rng), phantoms(5, shape, rng), strict=True)]
    detector = CopyDetector(write_cases(tmp_path, images), rate=0.01)
    assert detector(np.flip(images[4], 2)).case_id == "case004"
    assert detector(np.flip(images[4], 2)).distance < 1e-6


def test_coarse_distances_are_those_of_the_best_version() -> None:
    images = [np.random.default_rng(seed).normal(size=(2, 10, 12)) for seed in range(4)]
    coarse = CoarseCases(images, (10, 12))
    distances = coarse(np.flip(np.roll(images[2], (1, -2), (1, 2)), 2))
    assert distances.shape == (4, 4)
    assert np.unravel_index(distances.argmin(), (4, 4)) == (2, 1)
    assert coarse.mirrorings[1] == (False, True)
    assert distances.min() == pytest.approx(0, abs=1e-3)


def test_blank_images_are_no_copies_of_each_other(tmp_path: Path) -> None:
    blank = [np.full((1, 12, 12), -1, np.float32)] * 5
    detector = CopyDetector(write_cases(tmp_path, blank), rate=0.01)
    assert not detector(blank[0]).copy


def test_what_cannot_be_looked_at_is_refused(tmp_path: Path) -> None:
    images = phantoms(5, (12, 12), np.random.default_rng(0))
    cases = write_cases(tmp_path / "good", images)
    with pytest.raises(ConfigError, match="above 0 and below 1"):
        CopyDetector(cases, rate=0)
    with pytest.raises(ConfigError, match="from 0.1 to 1"):
        CopyDetector(cases, rate=0.01, limit=2)
    with pytest.raises(SynthtrialError, match="at least 3 patients"):
        CopyDetector(write_cases(tmp_path / "two", images, ("a", "a", "b", "b", "b")), rate=0.01)
    with pytest.raises(SynthtrialError, match=r"shape \(12, 10\)"):
        CopyDetector(cases, rate=0.01)(images[0][..., :10])
    with pytest.raises(SynthtrialError, match="NaN"):
        CopyDetector(cases, rate=0.01)(images[0] * np.nan)
    with pytest.raises(SynthtrialError, match="case001 has NaN"):
        CopyDetector(write_cases(tmp_path / "bad", [images[0], images[1] * np.nan, *images[2:]]), rate=0.01)
    with pytest.raises(SynthtrialError, match="the same for all"):
        FeatureNeighbours(np.ones((5, 3)), list("abcde"), list("abcde"), rate=0.01)
