"""HA-GAN with a gradient penalty: two critics, each with its own loss and penalty."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_gans import read_config, run_steps

from synthtrial.errors import ConfigError
from synthtrial.gans.hagan_gp import HAGANGP, wasserstein
from synthtrial.gans.model import build, parameter_counts

CRITIC_TERMS = {"high", "low"}


def tiny_hagan_gp(**overrides: Any) -> dict[str, Any]:
    """HA-GAN with a gradient penalty at 32^3 with few channels."""
    return read_config("hagan_gp", **{"image_size": 32, "latent": 8, "n_critic": 2} | overrides)


def make(**overrides: Any) -> HAGANGP:
    gan = build(tiny_hagan_gp(**overrides))
    assert isinstance(gan, HAGANGP)
    return gan


def test_published_layers_have_the_published_parameters() -> None:
    with torch.device("meta"):
        counts = parameter_counts(make(image_size=128, image_channels=1, width=64, latent=1024))
    assert counts["generator"] == 52_518_210
    assert counts["discriminator"] == 7_241_442


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_every_size_runs_through_every_phase(size: int) -> None:
    with torch.device("meta"):
        gan = make(image_size=size)
    gan.to("meta")
    batch = gan.prepare_batch({"real": torch.empty(1, 2, size, size, size, device="meta")})
    terms = {phase.name: set(phase.loss(batch)) for phase in gan.phases()}
    assert terms == {
        "discriminator": CRITIC_TERMS,
        "generator": CRITIC_TERMS,
        "encoder_high": {"slab"},
        "encoder_global": {"slab", "low"},
    }


def test_a_critics_loss_falls_when_real_cases_are_rated_above_fakes() -> None:
    assert wasserstein(torch.tensor([[3.0, 9.0], [1.0, 9.0], [-1.0, 0.0], [0.0, 0.0]])) == -2.5


def test_the_losses_of_the_two_critics_are_apart() -> None:
    gan = make()
    batch = gan.prepare_batch({"real": torch.rand(2, 2, 32, 32, 32)})
    gan.discriminator_terms(batch)["high"].backward()
    assert all(parameter.grad is None for parameter in gan.discriminator.low.parameters())
    assert all(parameter.grad is not None for parameter in gan.discriminator.high.parameters())


def test_the_penalty_is_of_the_distance_from_slope_one() -> None:
    """Critics that are flat pay the whole weight."""
    gan = make(penalty=3.0)
    for parameter in gan.discriminator.parameters():
        parameter.data.zero_()
    batch = gan.prepare_batch({"real": torch.rand(2, 2, 32, 32, 32)})
    gan.discriminator_terms(batch)
    assert {name: float(value) for name, value in gan.penalty_terms(batch).items()} == {
        "penalty_high": 3.0,
        "penalty_low": 3.0,
    }


def test_critics_learn_in_every_step_and_the_others_in_every_second() -> None:
    gan = make()
    assert {phase.name: phase.interval for phase in gan.phases()} == {
        "discriminator": 1,
        "generator": 2,
        "encoder_high": 2,
        "encoder_global": 2,
    }
    assert not [name for name, _ in gan.discriminator.named_parameters() if "original" in name]  # no spectral norm


@pytest.mark.parametrize("classes", [None, ["benign", "malignant"]])
def test_a_batch_of_one_trains_and_logs(classes: list[str] | None) -> None:
    gan = run_steps(make(classes=classes), torch.rand(2, 2, 32, 32, 32) * 2 - 1, batch_size=1, log_every=2)
    judged = ["high", "low", *(["class"] if classes else [])]
    assert set(gan.history.rows[-1]) == {
        "images",
        *(f"discriminator/{name}" for name in [*judged, "penalty_high", "penalty_low"]),
        *(f"generator/{name}" for name in judged),
        "encoder_high/slab",
        "encoder_global/slab",
        "encoder_global/low",
    }


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"penalty": -1.0}, "penalty=-1.0"),
        ({"n_critic": 0}, "n_critic=0"),
        ({"image_size": 48}, "cubes of 32, 64, 128, 256"),
    ],
)
def test_what_cannot_be_is_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(**overrides)
