"""Weights kept in the middle of a training: what they are, after a kill too, and drawing from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from picture_cohort import draw, write_pictures
from small_gans import tiny_dcgan
from test_gan_training import killed_training, run

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import ConfigError, TrainingError
from synthtrial.gans.base import GAN
from synthtrial.gans.checking import check_learning, check_snapshots
from synthtrial.gans.kept_weights import weights_of
from synthtrial.gans.model import load_generator, weights_file
from synthtrial.hashing import file_sha256


@pytest.fixture
def cohort(make_cohort: Callable[..., PreparedCohort]) -> PreparedCohort:
    return make_cohort(shape=(16, 16))


def dcgan(**overrides: Any) -> dict[str, Any]:
    """A DCGAN that trains for 24 images by 4, with checkpoints at 8, 16 and 24."""
    return tiny_dcgan(spatial_dims=2, **{"train__snapshots": [10, 16]} | overrides)


def test_they_are_what_a_shorter_training_ends_with(cohort: PreparedCohort, tmp_path: Path) -> None:
    model = run(dcgan(), cohort, tmp_path / "long")
    assert list(model["snapshots"]) == ["10", "16"]
    for images, reached in (("10", 12), ("16", 16)):
        shorter = dcgan(train__images=reached, train__checkpoint_every=reached, train__snapshots=None)
        short = run(shorter, cohort, tmp_path / images)
        assert short["images_seen"] == reached and short["snapshots"] == {}
        assert model["snapshots"][images] == short["weights_sha256"]
        assert file_sha256(weights_file(tmp_path / "long/model", int(images))) == short["weights_sha256"]
    assert len({*model["snapshots"].values(), model["weights_sha256"]}) == 3


def test_keeping_them_changes_nothing_else(cohort: PreparedCohort, tmp_path: Path) -> None:
    hashes = [
        run(dcgan(train__snapshots=snapshots), cohort, tmp_path / str(snapshots))["weights_sha256"]
        for snapshots in (None, [4, 24])
    ]
    assert hashes[0] == hashes[1]
    assert weights_of(json.loads((tmp_path / "[4, 24]/model/model.json").read_text()), 24) == hashes[0]


def test_a_killed_training_ends_with_the_same_ones(cohort: PreparedCohort, tmp_path: Path) -> None:
    """The kill comes after the snapshot of step 20, and before the checkpoint that would know of it."""
    config = dcgan(train__snapshots=[8, 18])
    run(config, cohort, tmp_path / "whole")
    killed_training(config, cohort, tmp_path / "killed", at=20)
    assert weights_file(tmp_path / "killed/checkpoints", 18).is_file()
    weights_file(tmp_path / "killed/checkpoints", 18).write_bytes(b"half")
    run(config, cohort, tmp_path / "killed")
    for name in ("model.json", "generator.safetensors", "snapshots/8.safetensors", "snapshots/18.safetensors"):
        whole, killed = ((tmp_path / place / "model" / name).read_bytes() for place in ("whole", "killed"))
        assert whole == killed, name


def test_a_finished_training_writes_them_again(cohort: PreparedCohort, tmp_path: Path) -> None:
    first = run(dcgan(), cohort, tmp_path)
    assert run(dcgan(), cohort, tmp_path) == first
    weights_file(tmp_path / "checkpoints", 16).unlink()
    with pytest.raises(TrainingError, match=r"16.safetensors is gone, and this training is at 24 images already"):
        run(dcgan(), cohort, tmp_path)


def test_none_is_kept_after_a_training_has_stopped(
    cohort: PreparedCohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_step = GAN.training_step

    def training_step(gan: GAN, batch: Any, batch_index: int) -> None:
        whole_step(gan, batch, batch_index)
        if gan.images_seen > 8:
            for average in (gan.generator, gan.generator_ema):
                average.layers[-2].weight.data.zero_()  # type: ignore[index, operator, union-attr]

    monkeypatch.setattr(GAN, "training_step", training_step)
    changed = {"train__images": 80, "train__smallest_diversity": 1e-4, "train__patience": 2, "train__ema_half_life": 0}
    with pytest.warns(UserWarning, match="the generator has collapsed"):
        model = run(dcgan(train__snapshots=[8, 40], **changed), cohort, tmp_path)
    assert list(model["snapshots"]) == ["8"] and model["images_seen"] == 24
    with pytest.raises(TrainingError, match=r"no weights were kept after 40 images .* stopped after 24 .*are: 8\."):
        weights_of(model, 40)


def test_a_draw_takes_the_weights_that_it_names(tmp_path: Path) -> None:
    cohort = write_pictures(tmp_path / "prepared")
    model = run(dcgan(image_channels=1), cohort, tmp_path)
    early, late = draw(cohort, tmp_path, 3, "early", snapshot=10), draw(cohort, tmp_path, 3, "late")
    for drawn, expected in ((early, model["snapshots"]["10"]), (late, model["weights_sha256"])):
        assert set(drawn.manifest["weights_sha256"]) == {drawn.facts["weights_sha256"]} == {expected}
    assert (early.facts["settings"]["snapshot"], late.facts["settings"]["snapshot"]) == (10, None)
    assert set(early.manifest["image_sha256"]).isdisjoint(late.manifest["image_sha256"])
    assert (early.image("early-development-00000") != late.image("late-development-00000")).any()


def test_files_that_are_not_those_of_the_model_are_refused(cohort: PreparedCohort, tmp_path: Path) -> None:
    run(dcgan(), cohort, tmp_path)
    assert load_generator(tmp_path / "model", 16).sample(1, torch.Generator()).shape == (1, 2, 16, 16)
    file = weights_file(tmp_path / "model", 16)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(TrainingError, match="16.safetensors is not the file that model.json beside it describes"):
        load_generator(tmp_path / "model", 16)
    with pytest.raises(TrainingError, match=r"no weights were kept after 12 images of its training; there are: 10, 16"):
        load_generator(tmp_path / "model", 12)


def test_a_model_of_before_has_none() -> None:
    model = {"generator": "old", "split": "fold0", "weights_sha256": "ab"}
    assert weights_of(model) == "ab"
    with pytest.raises(TrainingError, match="generator 'old', split 'fold0': no weights .* there are: none"):
        weights_of(model, 100)


@pytest.mark.parametrize("images", [0, 25])
def test_numbers_beyond_the_training_are_refused(images: int) -> None:
    with pytest.raises(ConfigError, match=f"train.snapshots: {images} images are not from 1 to train.images=24"):
        check_learning(dcgan(train__snapshots=[images]), "generators.tiny")


def test_a_draw_of_weights_that_are_not_kept_is_refused() -> None:
    generators = {"tiny": dcgan(), "noise": {"train": None}, "other": dcgan(train__snapshots=None)}
    check_snapshots(generators, {"early": {"generator": "tiny", "snapshot": 10}, "noise": {"generator": "noise"}})
    for generator, message in (
        ("tiny", "draws.x.snapshot is 12, but generators.tiny.train.snapshots keeps 10, 16: add it there"),
        ("other", "draws.x.snapshot is 12, but generators.other.train.snapshots keeps none"),
        ("noise", "draws.x.snapshot is 12, but 'noise' is a control"),
    ):
        with pytest.raises(ConfigError, match=message):
            check_snapshots(generators, {"x": {"generator": generator, "snapshot": 12}})
