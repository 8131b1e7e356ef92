"""Training a generator on a cohort: files, resuming after a kill, refusals."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from small_gans import tiny_dcgan, tiny_hagan

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.representations.building import build_representation
from synthtrial.errors import ConfigError, TrainingError
from synthtrial.gans.base import GAN
from synthtrial.gans.fitting import fitted
from synthtrial.gans.model import load_generator
from synthtrial.gans.training import train
from synthtrial.hashing import file_sha256

TRAINER = {"accelerator": "cpu", "devices": 1, "precision": "32-true", "threads": 1, "loader_workers": 0}


def run(config: dict[str, Any], cohort: PreparedCohort, place: Path, **settings: Any) -> dict[str, Any]:
    """Train in a folder of its own, and return `model.json`."""
    where = {"folder": place / "model", "checkpoints": place / "checkpoints", "trainer": TRAINER, "seed": 3}
    names = {"name": "tiny", "split": "development", "case_ids": cohort.development}
    train(config, cohort=cohort, **where | names | settings)  # type: ignore[arg-type]
    return json.loads((place / "model" / "model.json").read_text())


def test_a_trained_model_says_what_it_is(make_cohort: Callable[..., PreparedCohort], tmp_path: Path) -> None:
    cohort = make_cohort()
    pages: list[tuple[int, Path]] = []
    model = run(tiny_dcgan(), cohort, tmp_path, on_images=lambda images, page: pages.append((images, page)))
    assert list(model) == [
        "generator",
        "config",
        "representation",
        "split",
        "seen_cases",
        "seen_patients",
        "start_from",
        "images_seen",
        "seed",
        "collapsed",
        "reason",
        "weights_sha256",
        "snapshots",
        "parameters",
    ]
    assert model["seen_cases"] == cohort.development
    assert model["images_seen"] == 24
    assert model["weights_sha256"] == file_sha256(tmp_path / "model" / "generator.safetensors")
    assert list(pd.read_csv(tmp_path / "model" / "losses.csv")["images"]) == [4, 8, 12, 16, 20, 24]
    assert (tmp_path / "model" / "samples.png").stat().st_size > 1000
    assert [images for images, _ in pages] == [8, 16, 24]
    assert all(page.is_file() for _, page in pages)
    assert load_generator(tmp_path / "model").sample(2, torch.Generator()).shape == (2, 2, 16, 16, 16)


def test_2d_and_several_labels(make_cohort: Callable[..., PreparedCohort], tmp_path: Path) -> None:
    cohort = make_cohort(shape=(12, 16), labels=("anterior", "posterior"))
    model = run(tiny_dcgan(spatial_dims=2, image_channels=3, image_size=[16, 16]), cohort, tmp_path)
    assert model["representation"]["padded_shape"] == [16, 16]
    assert model["representation"]["shape"] == [12, 16]


@pytest.mark.parametrize(
    "representation",
    [
        "channels.Channels",
        "z_concat.ZConcat",
        "interleave.Interleave",
        "mosaic.Mosaic",
        "slices.Slices",
        "image_only.ImageOnly",
    ],
)
def test_every_representation_is_learned_and_drawn_back(
    representation: str, make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort(shape=(16, 12, 8))
    config = tiny_dcgan(train__images=8, generator__width=2, discriminator__width=2)
    config["representation"] = {"_target_": f"synthtrial.cohorts.representations.{representation}"}
    config = fitted(config, cohort.labels, cohort.facts["channels"], cohort.shape, "tiny")
    model = run(config, cohort, tmp_path)
    sample = load_generator(tmp_path / "model").sample(1, torch.Generator())
    image, scores = build_representation(model["representation"]).decode(sample[0].numpy())
    assert image.shape == (1, 16, 12, 8)
    assert scores.shape == (0 if representation == "image_only.ImageOnly" else 1, 16, 12, 8)


def test_augmented_copies_are_learned_from_but_only_originals_count_as_seen(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort()
    source = cohort.development[0]
    row = {"case_id": f"{source}-affine1", "source_case": source, "kind": "affine", "copy": 1}
    row |= {key: cohort.cases.at[source, key] for key in ("patient_id", "image", "mask", "label", "site")}
    pd.DataFrame([row | {"image_sha256": ""}]).to_csv(cohort.folder / "augmented.csv", index=False)
    cohort = PreparedCohort(cohort.folder)
    models = {copies: run(tiny_dcgan(train__copies=copies), cohort, tmp_path / str(copies)) for copies in (True, False)}
    assert models[True]["seen_cases"] == models[False]["seen_cases"] == cohort.development
    assert models[True]["weights_sha256"] != models[False]["weights_sha256"]


@pytest.mark.parametrize("config", [tiny_dcgan(), tiny_hagan(train__images=8, train__batch_size=2)])
def test_the_same_seed_gives_the_same_bytes(
    config: dict[str, Any], make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort()
    hashes = [run(config, cohort, tmp_path / name)["weights_sha256"] for name in ("first", "second")]
    assert hashes[0] == hashes[1]
    assert run(config, cohort, tmp_path / "third", seed=4)["weights_sha256"] != hashes[0]


def killed_training(config: dict[str, Any], cohort: PreparedCohort, place: Path, at: int) -> None:
    """Train in a process of its own that kills itself, as hard as can be, in the step after `at` images."""
    program = f"""
import json, os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
import test_gan_training
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.representations.building import build_representation
from synthtrial.gans.base import GAN
from synthtrial.gans.fitting import fitted

whole_step = GAN.run_phase

def run_phase(self, phase, *rest):
    if self.images_seen >= {at} and phase.name == "generator":
        os.kill(os.getpid(), signal.SIGKILL)
    whole_step(self, phase, *rest)

GAN.run_phase = run_phase
cohort = PreparedCohort({str(cohort.folder)!r})
test_gan_training.run(json.loads({json.dumps(config)!r}), cohort, Path({str(place)!r}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("at", [20])
def test_training_killed_and_started_again_ends_with_the_same_bytes(
    at: int, make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    """Batch norm, dropout and spectral norm included; the kill comes between two phases, between two checkpoints."""
    config = tiny_dcgan(generator__norm="batch", discriminator__dropout=0.2)
    cohort = make_cohort()
    run(config, cohort, tmp_path / "whole")
    killed_training(config, cohort, tmp_path / "killed", at)
    assert (tmp_path / "killed" / "checkpoints" / "last.ckpt").is_file()
    assert not (tmp_path / "killed" / "model").exists()
    images: list[int] = []
    run(config, cohort, tmp_path / "killed", on_images=lambda seen, _: images.append(seen))
    assert images == [24], "it must go on from the checkpoint at 16 images, not start again"
    for name in ("generator.safetensors", "losses.csv", "model.json", "samples.png"):
        found = [
            hashlib.sha256((tmp_path / place / "model" / name).read_bytes()).digest() for place in ("whole", "killed")
        ]
        assert found[0] == found[1], name


def test_a_training_that_is_stopped_early_goes_on_to_the_same_bytes(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    """`until` stops at the next checkpoint with a model of that moment; checkpoints come every 8 of 24 images."""
    config = tiny_dcgan(generator__norm="batch", discriminator__dropout=0.2)
    cohort = make_cohort()
    whole = run(config, cohort, tmp_path / "whole")
    early = [run(config, cohort, tmp_path / "stopped", until=images)["images_seen"] for images in (1, 9)]
    assert early == [8, 16]
    assert run(config, cohort, tmp_path / "stopped", until=1)["images_seen"] == 16, "nothing is undone"
    assert run(config, cohort, tmp_path / "stopped") == whole
    for name in ("losses.csv", "samples.png"):
        assert file_sha256(tmp_path / "stopped/model" / name) == file_sha256(tmp_path / "whole/model" / name)


def test_a_checkpoint_of_other_settings_is_not_taken_up(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort()
    run(tiny_dcgan(lr_g=1e-3), cohort, tmp_path / "changed")
    changed = run(tiny_dcgan(), cohort, tmp_path / "changed")
    assert changed["weights_sha256"] == run(tiny_dcgan(), cohort, tmp_path / "fresh")["weights_sha256"]


def test_a_finished_training_is_written_again_without_training(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort()
    first = run(tiny_dcgan(), cohort, tmp_path)
    images: list[int] = []
    assert run(tiny_dcgan(), cohort, tmp_path, on_images=lambda seen, _: images.append(seen)) == first
    assert images == []


def test_a_collapsed_training_is_stopped_and_keeps_the_last_good_weights(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The generator's last layer goes blank after the first check, so all samples are alike from then on."""
    whole_step = GAN.training_step

    def training_step(gan: GAN, batch: Any, batch_index: int) -> None:
        whole_step(gan, batch, batch_index)
        if gan.images_seen > 8:
            for average in (gan.generator, gan.generator_ema):
                average.layers[-2].weight.data.zero_()  # type: ignore[index, operator, union-attr]

    monkeypatch.setattr(GAN, "training_step", training_step)
    config = tiny_dcgan(train__images=80, train__smallest_diversity=1e-4, train__patience=2, train__ema_half_life=0)
    cohort = make_cohort()
    with pytest.warns(UserWarning, match="the generator has collapsed"):
        model = run(config, cohort, tmp_path)
    assert model["collapsed"]
    assert "at 24 images the diversity of samples is 0.00" in model["reason"]
    assert model["images_seen"] == 24
    samples = load_generator(tmp_path / "model").sample(2, torch.Generator().manual_seed(0))
    assert (samples[0] - samples[1]).abs().max() > 0
    assert run(config, cohort, tmp_path) == model, "started again, it stays stopped"


def test_losses_that_are_not_finite_leave_nothing_behind(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="became (nan|inf) between"):
        run(tiny_dcgan(lr_g=1e30, lr_d=1e30, discriminator__spectral_norm=False), make_cohort(), tmp_path)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"train__batch_size": 100}, "larger than 'development', which has 12 cases"),
        ({"train__patience": 0}, "train.patience must be at least 1"),
        ({"classes": ["benign", "malignant"]}, "DCGAN learns one class, or all alike"),
        ({"classes": ["benign"]}, r"classes\[0\] is 'benign', but no training case has that; there are: ''"),
        ({"train__accumulate": 3}, "must divide train.batch_size=4"),
        ({"train__epochs": 3}, "train has no key 'epochs'; it has images, batch_size"),
        ({"image_channels": 1}, "images and masks make 2 channels"),
        ({"image_size": 8}, "8x8x8 voxels can't hold a case of 16x16x16"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    overrides: dict[str, Any], message: str, make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        run(tiny_dcgan(**overrides), make_cohort(), tmp_path)
