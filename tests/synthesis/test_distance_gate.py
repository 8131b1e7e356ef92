"""Batches of drawn cases pass only when they are close enough to the real ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gans.picture_cohort import IMAGE_ONLY, draw, learn, write_pictures
from gans.small_gans import read_config
from synthesis.untrained_model import write_model
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.fidelity.cases import Cases, real_cases
from synthtrial.synthesis.distance_gate import DistanceGate, GateSettings, image_extractor
from synthtrial.synthesis.drawing import synthesize

FEATURES = {"_target_": "synthtrial.fidelity.features.random_conv.RandomConv", "filters": 4, "levels": 1}


@pytest.fixture
def cohort(make_cohort: Callable[..., PreparedCohort]) -> PreparedCohort:
    return make_cohort(shape=(16, 16))


@pytest.fixture
def gate(cohort: PreparedCohort, tmp_path: Path) -> Callable[..., DistanceGate]:
    def build(threshold: float, of: str = "batch", size: int = 4) -> DistanceGate:
        settings = GateSettings(features=FEATURES, threshold=threshold, batch=size, of=of)  # type: ignore[arg-type]
        return DistanceGate(settings, real_cases(cohort, cohort.development), tmp_path, seed=0)

    return build


def batch(gate: DistanceGate, cohort: PreparedCohort, noise: float) -> list[np.ndarray]:
    """Features of four real cases with noise on them."""
    rng = np.random.default_rng(0)
    images = [cohort.image(case_id) for case_id in cohort.development[:4]]
    return [gate.features(np.float32(image + rng.normal(0, noise, image.shape))) for image in images]


def test_near_batches_pass_and_far_ones_are_rejected_with_their_distance(
    gate: Callable[..., DistanceGate], cohort: PreparedCohort
) -> None:
    judge = gate(threshold=1.0)
    assert judge.judge(batch(judge, cohort, noise=0.0)) == ""
    reason = judge.judge(batch(judge, cohort, noise=0.5))
    assert reason.startswith("batch at frechet/random_conv_n4 = ") and reason.endswith("above the threshold of 1")
    assert [one.passed for one in judge.judged] == [True, False]
    assert judge.judged[1].distance > 1 >= judge.judged[0].distance
    assert len(judge.kept) == 4 and judge.satisfied
    assert judge.floor < 1


def test_a_whole_cohort_is_drawn_until_it_is_near_enough(
    gate: Callable[..., DistanceGate], cohort: PreparedCohort
) -> None:
    judge = gate(threshold=1.0, of="cohort")
    assert not judge.satisfied
    assert judge.judge(batch(judge, cohort, noise=0.5)) == "" and not judge.satisfied
    while not judge.satisfied:
        assert judge.judge(batch(judge, cohort, noise=0.0)) == ""
    assert judge.judged[-1].compared == len(judge.kept) == 4 * len(judge.judged)
    assert len(judge.judged) > 2


def test_the_floor_is_what_real_cases_reach_in_batches_of_that_size(gate: Callable[..., DistanceGate]) -> None:
    """Fewer cases lie further away by the distance's bias alone; halves would promise what no batch can reach."""
    floors = [gate(threshold=1.0, size=size).floor for size in (2, 3, 6)]
    assert floors[0] > 1.2 * floors[1] > 1.2 * floors[2]
    assert gate(threshold=1.0, size=2, of="cohort").floor == floors[2] == gate(threshold=1.0, size=50).floor


def test_the_floor_keeps_patients_together(cohort: PreparedCohort, tmp_path: Path) -> None:
    """Each case stands there twice: parts that share patients would lie closer than any new case can."""
    doubled = [case_id for case_id in cohort.development for _ in range(2)]
    settings = GateSettings(features=FEATURES, threshold=1.0, batch=6)
    together = DistanceGate(settings, real_cases(cohort, doubled), tmp_path, seed=0)
    apart = DistanceGate(
        settings, Cases(cohort, tuple(doubled), tuple(map(str, range(len(doubled))))), tmp_path, seed=0
    )
    assert together.floor > 1.2 * apart.floor


def test_what_became_of_a_cohort_is_told_of_all_its_cases(
    gate: Callable[..., DistanceGate], cohort: PreparedCohort
) -> None:
    judge = gate(threshold=1.0, of="cohort")
    for _ in range(2):
        judge.judge(batch(judge, cohort, noise=0.5))
    assert judge.remark().startswith("8 cases together: frechet/random_conv = ")
    assert "NOT within the threshold of 1; real against real " in judge.remark()
    single = gate(threshold=1.0)
    single.judge(batch(single, cohort, noise=0.0))
    assert single.remark().startswith("1 of 1 batches were within frechet/random_conv = 1; real against real ")


class WholeCases:
    """Features of image and mask together, as radiomics has."""

    def __init__(self, *, spatial_dims: int) -> None:
        self.name, self.spatial_dims = "whole", spatial_dims

    def of_cases(self, cases: Cases) -> dict[str, np.ndarray]:
        return {"image": np.zeros((len(cases), 1))}


def test_features_of_whole_cases_are_refused() -> None:
    with pytest.raises(ConfigError, match="whole needs whole cases"):
        image_extractor({"_target_": f"{__name__}.WholeCases"}, 2)


def test_a_batch_of_one_whole_case_has_no_distance(gate: Callable[..., DistanceGate], cohort: PreparedCohort) -> None:
    judge = gate(threshold=1.0)
    assert "too few" in judge.judge(batch(judge, cohort, noise=0.0)[:1])


@pytest.mark.parametrize("wrong", [{"threshold": 0.0}, {"batch": 1}, {"repeats": 0}])
def test_settings_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(ConfigError, match="distance_gate"):
        GateSettings(**({"features": FEATURES, "threshold": 1.0, "batch": 4} | wrong))


@pytest.fixture
def drawn(cohort: PreparedCohort, tmp_path: Path) -> Callable[..., SyntheticCohort]:
    """Return a function that draws through a gate from an untrained generator."""
    model = write_model(tmp_path / "model", cohort)

    def draw(name: str, threshold: float, of: str = "batch", limit_factor: float = 4) -> SyntheticCohort:
        gate = {"features": FEATURES, "threshold": threshold, "batch": 3, "of": of}
        settings = {"threshold": 0.0, "components": 1, "min_lesion_voxels": 1, "masks": "real"}
        settings |= {"copy_rate": None, "copy_limit": 0.5}
        synthesize(
            name="dcgan",
            model_folder=model,
            cohort=cohort,
            folder=tmp_path / name,
            count=6,
            settings=settings | {"limit_factor": limit_factor, "distance_gate": gate},
            seed=5,
            cache=tmp_path / "cache",
            progress=False,
        )
        return SyntheticCohort(tmp_path / name)

    return draw


def test_batches_are_kept_or_rejected_whole(drawn: Callable[..., SyntheticCohort]) -> None:
    everything = drawn("all", threshold=1e6)
    distances = [one["distance"] for one in everything.facts["distance_gate"]["batches"]]
    assert len(everything.accepted) == 6 and list(everything.manifest["batch"]) == [0, 0, 0, 1, 1, 1]
    some = drawn("some", threshold=(min(distances) + max(distances)) / 2)
    judged = some.facts["distance_gate"]["batches"]
    assert {one["passed"] for one in judged} == {True, False}
    for number, rows in some.manifest.groupby("batch"):
        assert rows["accepted"].all() == judged[number]["passed"] != rows["accepted"].eq(False).all()
    rejected = some.manifest[~some.manifest["accepted"]]
    assert rejected["reason"].str.contains("above the threshold").all()
    assert len(list((some.folder / "images").iterdir())) == len(some.accepted)


def test_a_cohort_that_never_comes_near_ends_at_the_limit(drawn: Callable[..., SyntheticCohort]) -> None:
    synthetic = drawn("far", threshold=1e-6, of="cohort", limit_factor=2)
    assert len(synthetic.manifest) == len(synthetic.accepted) == 12
    assert not any(one["passed"] for one in synthetic.facts["distance_gate"]["batches"])


def test_no_batch_near_enough_is_an_error(drawn: Callable[..., SyntheticCohort], tmp_path: Path) -> None:
    with pytest.raises(SynthtrialError, match="distance_gate.threshold"):
        drawn("none", threshold=1e-6)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("channels", [1, 3])
def test_batches_of_a_class_are_compared_with_seen_cases_of_that_class(channels: int, tmp_path: Path) -> None:
    """Malignant pictures are bright, benign ones dark. Those of another class, and test cases, move nothing."""
    cohort = write_pictures(tmp_path / "prepared", channels=channels)
    short = {"train__images": 4, "train__batch_size": 2, "train__checkpoint_every": 4, "latent": 8}
    config = read_config("dcgan", **short) | {"classes": ["malignant"], "representation": IMAGE_ONLY}
    learn(config, cohort, tmp_path)

    def judged(name: str) -> dict:
        gate = {"features": FEATURES, "threshold": 1e6, "batch": 3}
        return draw(cohort, tmp_path, 6, name, distance_gate=gate).facts["distance_gate"]

    before = judged("before")
    labels = cohort.cases.loc[cohort.development, "label"]
    assert before["n_real"] == (labels == "malignant").sum() < len(labels)
    for case_id in [*labels.index[labels == "benign"], *cohort.test]:
        path = cohort.folder / "images" / f"{case_id}.npy"
        np.save(path, -np.load(path))
    cohort = PreparedCohort(cohort.folder)
    assert judged("after") == before
    path = cohort.folder / "images" / f"{labels.index[labels == 'malignant'][0]}.npy"
    np.save(path, -np.load(path))
    assert judged("moved")["batches"] != before["batches"]


def test_batches_are_drawn_until_as_many_cases_are_within_the_threshold(drawn: Callable[..., SyntheticCohort]) -> None:
    """As in study E: batch after batch, each kept at or below the threshold, until there are enough."""
    distances = sorted(one["distance"] for one in drawn("all", threshold=1e6).facts["distance_gate"]["batches"])
    synthetic = drawn("near", threshold=(distances[0] + distances[-1]) / 2, limit_factor=40)
    kept = [one for one in synthetic.facts["distance_gate"]["batches"] if one["passed"]]
    assert len(synthetic.accepted) == 6 == sum(one["cases"] for one in kept)
    assert len(synthetic.facts["distance_gate"]["batches"]) > len(kept)
    assert max(one["distance"] for one in kept) <= synthetic.facts["distance_gate"]["threshold"]
