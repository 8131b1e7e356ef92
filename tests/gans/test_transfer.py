"""Starting from the weights of another training."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from picture_cohort import IMAGE_ONLY, learn, write_pictures
from small_gans import read_config, tiny_dcgan, tiny_hagan
from test_gan_training import run

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import TrainingError
from synthtrial.gans.model import build
from synthtrial.gans.transfer import Transfer, transfer

DCGAN, HAGAN = "synthtrial.gans.dcgan.DCGAN", "synthtrial.gans.hagan.HAGAN"


@pytest.fixture
def origin(make_cohort: Callable[..., PreparedCohort], tmp_path: Path) -> Path:
    """A trained tiny DCGAN."""
    run(tiny_dcgan(train__images=8), make_cohort("first"), tmp_path / "origin")
    return tmp_path / "origin" / "model"


def take(config: dict[str, Any], origin: Path, family: str = DCGAN) -> tuple[Any, Transfer]:
    gan = build(config)
    return gan, transfer(gan, origin, family)


def test_the_same_networks_are_taken_whole(origin: Path) -> None:
    torch.manual_seed(5)
    gan, taken = take(tiny_dcgan(), origin)
    assert taken.left == []
    other, _ = take(tiny_dcgan(), origin)
    for name, value in gan.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
    for own, average in zip(gan.generator.parameters(), gan.generator_ema.parameters(), strict=True):
        assert torch.equal(own, average)


def test_layers_of_another_shape_start_afresh_and_are_named(origin: Path) -> None:
    _, taken = take(tiny_dcgan(latent=9), origin)
    assert taken.left == ["generator_ema.dense.0.weight"]
    assert str(taken).endswith("fresh: generator_ema.dense.0.weight")


def test_the_model_remembers_what_its_origin_had_seen(
    origin: Path, make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort("second")
    model = run(tiny_dcgan(train__images=8, start_from=str(origin)), cohort, tmp_path / "next")
    seen = json.loads((origin / "model.json").read_text())
    assert model["start_from"]["seen_cases"] == seen["seen_cases"]
    assert model["start_from"]["seen_patients"] == seen["seen_patients"]
    assert model["start_from"]["weights_sha256"] == seen["weights_sha256"]


def test_the_lung_networks_go_on_with_pictures_of_another_size(tmp_path: Path) -> None:
    """Continuing with one's own images: all but the dense layers, whose sizes follow from the image's."""
    widths = {"latent": 8, "generator__channels": [8, 4, 4], "discriminator__channels": [4, 4, 8]}
    short = {"train__images": 4, "train__batch_size": 2, "train__checkpoint_every": 4, "classes": ["malignant"]}
    config = read_config("dcgan_lung", **widths, **short) | {"representation": IMAGE_ONLY}
    learn(config, write_pictures(tmp_path / "lung", (112, 168)), tmp_path / "first")
    start = {"start_from": str(tmp_path / "first" / "model")}
    model = learn(config | start, write_pictures(tmp_path / "own", (64, 48)), tmp_path / "second")
    assert (model["config"]["image_size"], model["images_seen"]) == ([64, 48], 4)
    started = model["start_from"]
    assert all(name.startswith(("generator_ema.", "discriminator.")) for name in started["taken"])
    kernels = {name for name in started["taken"] if name.endswith("weight") and "dense" not in name}
    assert {name.partition(".")[0] for name in kernels} == {"generator_ema", "discriminator"}
    assert {name.split(".")[1] for name in started["left"] if name.startswith("generator_ema")} == {"dense"}
    _, taken = take(model["config"], tmp_path / "first" / "model")
    assert taken.left == started["left"]


def test_weights_of_another_family_are_refused(origin: Path) -> None:
    with pytest.raises(TrainingError, match="holds the weights of DCGAN, but this generator is HAGAN"):
        take(tiny_hagan(), origin, HAGAN)


def test_weights_of_which_no_layer_fits_are_refused(origin: Path) -> None:
    narrow = tiny_dcgan(latent=3, generator__width=5, spatial_dims=2)
    with pytest.raises(TrainingError, match="no layer of .* has the shape of this generator's"):
        take(narrow, origin)


def test_a_changed_file_is_refused(origin: Path) -> None:
    weights = origin / "generator.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(TrainingError, match="is not what model.json beside it describes"):
        take(tiny_dcgan(), origin)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no trained generator in"):
        take(tiny_dcgan(), tmp_path)
