"""The Wasserstein GAN: its two bounds, its rhythm, its networks, and refusals."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_gans import read_config, run_steps

from synthtrial.errors import ConfigError
from synthtrial.gans.model import build
from synthtrial.gans.perceptual import CONVOLUTIONS_PER_BLOCK, vgg_layers
from synthtrial.gans.wgan import WGAN, make_optimizer

UNET = {"blocks": 2, "width": 4, "max_channels": 8, "norm": "batch", "dropout": 0.0}
CRITIC = {"blocks": 2, "width": 4, "max_channels": 8, "norm": None, "dropout": 0.0, "spectral_norm": True}
RESIDUAL = {"blocks": 2, "width": 4, "max_channels": 8, "norm": "group"}


def tiny_wgan(name: str = "wgan_gp", **overrides: Any) -> dict[str, Any]:
    """A WGAN on 16x16 images with masks."""
    return read_config(name, **{"spatial_dims": 2, "image_size": 16, "latent": 8} | overrides)


def with_volume_noise(network: str, **overrides: Any) -> dict[str, Any]:
    """WGAN-GP with a generator that starts from a volume of noise, and a critic with spectral norm."""
    config = tiny_wgan(network=network, latent=1, noise="pyramid", **overrides)
    return config | {"generator": UNET if network == "unet" else RESIDUAL, "discriminator": CRITIC}


def wgan(config: dict[str, Any]) -> WGAN:
    gan = build(config)
    assert isinstance(gan, WGAN)
    return gan


def images(n: int = 6, size: int = 16, dims: int = 2) -> torch.Tensor:
    return torch.rand(n, 2, *[size] * dims) * 2 - 1


@pytest.mark.parametrize(("name", "penalty"), [("wgan_gp", {"discriminator/penalty"}), ("wgan_wc", set())])
def test_log_keys(name: str, penalty: set[str]) -> None:
    gan = run_steps(build(tiny_wgan(name)), images(2), log_every=2)
    expected = {"images", "discriminator/real", "discriminator/fake", "discriminator/wasserstein"}
    assert set(gan.history.rows[0]) == expected | penalty | {"generator/adversarial"}


def test_the_wasserstein_estimate_is_the_difference_of_the_mean_scores() -> None:
    row = run_steps(build(tiny_wgan()), images(2), log_every=2).history.rows[0]
    assert row["discriminator/wasserstein"] == pytest.approx(-row["discriminator/real"] - row["discriminator/fake"])


def test_the_generator_learns_in_every_n_critic_th_step_and_the_critic_in_all() -> None:
    gan = run_steps(build(tiny_wgan(n_critic=3)), images(12), log_every=2)
    assert len(gan.history.rows) == 6
    assert all("discriminator/real" in row for row in gan.history.rows)
    assert ["generator/adversarial" in row for row in gan.history.rows] == [True, False, False, True, False, False]


def test_clipping_keeps_every_weight_of_the_critic_small_and_leaves_the_generator_alone() -> None:
    gan = build(tiny_wgan("wgan_wc", clip=0.01))
    assert max(p.abs().max() for p in gan.discriminator.parameters()) > 0.01
    run_steps(gan, images(4))
    assert max(p.abs().max() for p in gan.discriminator.parameters()) <= 0.01
    assert max(p.abs().max() for p in gan.generator.parameters()) > 0.01


def test_the_penalty_is_weighted_and_brings_the_slope_to_one() -> None:
    def slope_penalty(gan: WGAN) -> float:
        torch.manual_seed(1)
        return gan.penalty_terms({"real": images(), "fake": images()})["penalty"].item()

    torch.manual_seed(0)
    gan = wgan(tiny_wgan(augment=None, lr_d=0.004))
    before = slope_penalty(gan)
    gan.penalty = 5.0
    assert slope_penalty(gan) == pytest.approx(before / 2, rel=1e-4)
    gan.penalty = 10.0
    run_steps(gan, images(20))
    assert slope_penalty(gan) < before / 2


@pytest.mark.parametrize(("dims", "size"), [(2, 18), (2, 35), (3, 13)])
@pytest.mark.parametrize("network", ["unet", "residual"])
def test_generators_from_a_noise_volume_make_odd_sizes(network: str, dims: int, size: int) -> None:
    gan = build(with_volume_noise(network, spatial_dims=dims, image_size=size))
    run_steps(gan, images(2, size, dims))
    samples = gan.sample(3, torch.Generator().manual_seed(0))
    assert samples.shape == (3, 2, *[size] * dims)
    assert samples.abs().max() <= 1
    assert torch.equal(samples, gan.sample(3, torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("name", ["wgan_wc_unet", "wgan_gp_unet"])
def test_the_thesis_presets_learn_one_image_at_a_time(name: str) -> None:
    narrow = {f"{network}__{key}": 8 for network in ("generator", "discriminator") for key in ("width", "max_channels")}
    gan = build(read_config(name, image_size=16, **narrow))
    run_steps(gan, images(2, 16, 3), batch_size=1)
    assert gan.sample(1, torch.Generator()).shape == (1, 2, 16, 16, 16)


def test_the_perceptual_loss_joins_the_generators(tmp_path: Any) -> None:
    network = torch.nn.Sequential(*vgg_layers(CONVOLUTIONS_PER_BLOCK["vgg19"]).values())
    torch.save({f"features.{key}": value for key, value in network.state_dict().items()}, tmp_path / "vgg19.pth")
    found = []
    for factor in (1.0, 2.0):
        gan = wgan(tiny_wgan(perceptual_weights=str(tmp_path / "vgg19.pth"), perceptual_factor=factor))
        terms = gan.generator_loss(torch.zeros(2, 2, 16, 16), {"real": torch.ones(2, 2, 16, 16)})
        assert set(terms) == {"adversarial", "perceptual"}
        found.append(terms["perceptual"].item())
    assert found[1] == pytest.approx(2 * found[0])


def test_each_optimizer_is_the_one_asked_for() -> None:
    weight = [torch.nn.Parameter(torch.zeros(1))]
    assert isinstance(make_optimizer("rmsprop", 1e-4, None)(weight, True), torch.optim.RMSprop)
    adam = make_optimizer("adam", 1e-4, [0.0, 0.9])(weight, True)
    assert isinstance(adam, torch.optim.Adam)
    assert adam.defaults["betas"] == (0.0, 0.9)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"clip": 0.01}, "either clip or penalty"),
        ({"penalty": None}, "either clip or penalty"),
        ({"penalty": -1.0}, "above 0, not -1.0"),
        ({"penalty": None, "clip": 0.01, "discriminator__spectral_norm": True}, "choose one of them"),
        ({"n_critic": 0}, "n_critic=0 must be at least 1"),
        ({"optimizer": "rmsprop"}, "rmsprop with betas=null"),
        ({"optimizer": "sgd"}, "choose rmsprop"),
        ({"betas": None}, "adam with two betas"),
        ({"network": "resnet"}, "dcgan, unet, residual"),
        ({"network": "unet"}, "generator has no key 'channels'|generator has no key 'upsampling'"),
        ({"noise": "white"}, "starts from: vector"),
        ({"image_size": 17}, "halved"),
        ({"spatial_dims": 3, "perceptual_weights": "vgg19.pth"}, "for 2D images"),
    ],
)
def test_what_it_cannot_do_is_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(tiny_wgan(**overrides))


def test_a_critic_under_the_penalty_has_no_batch_norm() -> None:
    config = with_volume_noise("unet")
    with pytest.raises(ConfigError, match="per sample: choose group or null"):
        build(config | {"discriminator": CRITIC | {"norm": "batch"}})
