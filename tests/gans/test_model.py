"""Building from a configuration, and trained models on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from small_gans import tiny_dcgan, tiny_hagan

from synthtrial.errors import ConfigError, TrainingError
from synthtrial.gans.model import build, load_generator, load_weights, save_generator


def saved(folder: Path, config: dict[str, Any]) -> torch.Tensor:
    """Write an untrained model, and return a sample of it."""
    gan = build(config)
    sha256 = save_generator(gan, folder / "generator.safetensors")
    (folder / "model.json").write_text(json.dumps({"config": config, "weights_sha256": sha256}))
    return gan.sample(1, torch.Generator().manual_seed(3))


@pytest.mark.parametrize("config", [tiny_dcgan(), tiny_dcgan(generator__norm="batch"), tiny_hagan()])
def test_a_model_from_disk_draws_the_same(tmp_path: Path, config: dict[str, Any]) -> None:
    sample = saved(tmp_path, config)
    gan = load_generator(tmp_path)
    assert not gan.training
    assert torch.equal(gan.sample(1, torch.Generator().manual_seed(3)), sample)


def test_other_weights_than_described_are_refused(tmp_path: Path) -> None:
    saved(tmp_path, tiny_dcgan())
    save_generator(build(tiny_dcgan()), tmp_path / "generator.safetensors")
    with pytest.raises(TrainingError, match="is not the file that model.json"):
        load_generator(tmp_path)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_generator(build(tiny_dcgan()), tmp_path / "weights.safetensors")
    with pytest.raises(TrainingError, match="weights of another network: generator_ema"):
        load_weights(build(tiny_dcgan(latent=9)), tmp_path / "weights.safetensors")


def test_no_model_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="run pipelines/train_gan.py first"):
        load_generator(tmp_path)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"learning_rate": 1e-4}, "no key 'learning_rate'; it has image_size.*lr_g"),
        ({"generator__widht": 8}, "generator has no key 'widht'; it has.*width"),
        ({"discriminator__norm": "batch"}, "discriminator has no key 'norm'; it has.*spectral_norm"),
        ({"augment__scale": 2}, "augment has no key 'scale'; it has shift, shift_axes, mirror_axes"),
        ({"_target_": "synthtrial.gans.phases.Phase"}, "Phase"),
        ({"_target_": "synthtrial.gans.dcgan.Nothing"}, "can't be imported"),
    ],
)
def test_an_unknown_key_is_refused_with_those_that_exist(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(tiny_dcgan(**overrides))


def test_a_missing_key_is_named() -> None:
    config = tiny_dcgan()
    del config["lr_g"]
    with pytest.raises(ConfigError, match="lr_g"):
        build(config)
