"""The vanilla GAN with a U-Net: any size, its skips, its noise, and refusals."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_gans import read_config, run_steps
from torch import nn

from synthtrial.errors import ConfigError
from synthtrial.gans.model import build, parameter_counts
from synthtrial.gans.noise import Noise
from synthtrial.gans.unet_networks import Discriminator, UNet, grids


def tiny_vanilla_unet(**overrides: Any) -> dict[str, Any]:
    """The general vanilla U-Net at 16^3 with image and mask."""
    return read_config(
        "vanilla_unet", **{"image_size": 16, "generator__width": 4, "discriminator__width": 4} | overrides
    )


def tiny_unet(size: tuple[int, ...] = (16, 16), blocks: int = 3) -> UNet:
    return UNet(size, 2, 1, blocks=blocks, width=4, max_channels=16, norm="batch", dropout=0.5)


def test_grids_halve_rounding_up_and_stop_at_two_voxels() -> None:
    assert grids((154, 154, 54), 4) == [(154, 154, 54), (77, 77, 27), (39, 39, 14), (20, 20, 7), (10, 10, 4)]
    assert grids((16, 5), 5) == [(16, 5), (8, 3), (4, 2), (2, 2), (2, 2), (2, 2)]


@pytest.mark.parametrize("size", [(16, 16), (17, 30), (16, 16, 16), (15, 22, 9), (7, 5, 3)])
@pytest.mark.parametrize("blocks", [1, 2, 7])
def test_any_size_comes_out_as_it_went_in(size: tuple[int, ...], blocks: int) -> None:
    image = tiny_unet(size, blocks)(torch.randn(2, 1, *size))
    assert image.shape == (2, 2, *size)
    assert image.abs().max() <= 1
    judge = Discriminator(
        size, 2, blocks=blocks, width=4, max_channels=16, norm="batch", dropout=0.0, spectral_norm=True
    )
    assert judge(image).shape == (2, 1)


def test_the_published_presets_have_their_blocks_on_their_grids() -> None:
    with torch.device("meta"):
        first, second = (build(read_config(name)) for name in ("vanilla_unet1", "vanilla_unet2"))
    for gan, blocks, coarsest in ((first, 7, (2, 2, 2)), (second, 4, (10, 10, 4))):
        unet = gan.generator
        assert isinstance(unet, UNet)
        assert (len(unet.down), len(unet.up) + 1, unet.grids[-1]) == (blocks, blocks, coarsest)
        normed = [any(isinstance(layer, nn.BatchNorm3d) for layer in block) for block in unet.down]  # type: ignore[arg-type]
        assert normed == [False] + [True] * (blocks - 1)
    assert parameter_counts(first) == {"generator": 70_579_650, "discriminator": 25_893_441}
    assert parameter_counts(second) == {"generator": 2_605_282, "discriminator": 1_266_721}


def test_seven_blocks_learn_16_voxels_one_image_at_a_time() -> None:
    small = {"generator__width": 4, "generator__max_channels": 8, "discriminator__width": 4}
    gan = build(read_config("vanilla_unet1", **small, discriminator__max_channels=8))
    run_steps(gan, torch.rand(3, 2, 16, 16, 16), batch_size=1, log_every=3)
    assert set(gan.history.rows[0]) == {
        "images",
        "discriminator/real",
        "discriminator/fake",
        "discriminator/accuracy",
        "generator/adversarial",
    }
    assert gan.sample(1, torch.Generator()).isfinite().all()


def test_noise_reaches_the_image_through_a_skip_as_well_as_through_the_coarsest_grid() -> None:
    unet, noise = tiny_unet().eval(), torch.randn(1, 1, 16, 16)
    whole = unet(noise)
    for parameter in unet.up[0].parameters():  # nothing comes up from the coarsest grid any more
        nn.init.zeros_(parameter)
    skipped = unet(noise)
    assert not torch.equal(whole, skipped)
    assert not torch.equal(skipped, unet(torch.randn(1, 1, 16, 16)))


def test_samples_are_drawn_without_dropout() -> None:
    gan = build(tiny_vanilla_unet(generator__dropout=0.5))
    first = gan.sample(2, torch.Generator().manual_seed(5))
    assert first.shape == (2, 2, 16, 16, 16)
    torch.testing.assert_close(first, gan.sample(2, torch.Generator().manual_seed(5)))


@pytest.mark.parametrize("size", [(32, 32), (16, 16, 16)])
def test_a_pyramid_of_noise_is_standard_normal_but_coarse_too(size: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    white, pyramid = Noise("white", 2, grids(size, 3))(64), Noise("pyramid", 2, grids(size, 3))(64)
    assert white.shape == pyramid.shape == (64, 2, *size)
    assert white.std().item() == pytest.approx(1, abs=0.03)
    assert pyramid.std().item() == pytest.approx(1, abs=0.1)
    of_sample = tuple(range(2, 2 + len(size)))
    assert pyramid.mean(of_sample).std() > 3 * white.mean(of_sample).std()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"image_size": [16, 16]}, "2 axes, but spatial_dims is 3"),
        ({"noise": "pink"}, "white, pyramid"),
        ({"generator__blocks": 0}, "blocks=0 must be at least 1"),
        ({"generator__dropout": 1.0}, r"generator.dropout=1.0 must lie in \[0, 1\)"),
        ({"discriminator__norm": "layer"}, "batch, group, null"),
        ({"loss": "wasserstein"}, "non_saturating, hinge, least_squares"),
        ({"augment__mirror_axes": [3]}, "no spatial axis 3"),
    ],
)
def test_what_it_cannot_make_is_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(tiny_vanilla_unet(**overrides))
