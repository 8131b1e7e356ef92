"""HA-GAN: published parameter counts, slabs cut at the right place, and refusals."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from small_gans import read_config, run_steps, tiny_hagan

from synthtrial.errors import ConfigError
from synthtrial.gans.hagan import HAGAN
from synthtrial.gans.model import build, parameter_counts


def make(**overrides: Any) -> HAGAN:
    gan = build(tiny_hagan(**overrides))
    assert isinstance(gan, HAGAN)
    return gan


@pytest.mark.parametrize(("size", "discriminator", "encoder"), [(128, 7_241_442, 19_663_168), (256, None, 19_663_264)])
def test_parameters_are_as_published(size: int, discriminator: int | None, encoder: int) -> None:
    with torch.device("meta"):
        counts = parameter_counts(build(read_config("hagan", image_size=size)))
    assert counts["generator"] == 52_518_210
    assert counts["encoder_high"] == 161_152
    assert counts["encoder_global"] == encoder
    assert discriminator in (None, counts["discriminator"])


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_slabs_and_volumes_have_the_right_shapes(size: int, channels: int) -> None:
    gan = make(image_size=size, image_channels=channels)
    batch = gan.prepare_batch({"real": torch.rand(2, channels, size, size, size)})
    slab, low = gan.fake(batch)
    assert slab.shape == batch["slab"].shape == (2, channels, size // 8, size, size)
    assert low.shape == batch["low"].shape == (2, channels, size // 4, size // 4, size // 4)
    assert gan.discriminator(slab, low, batch["start"]).shape == (2, 1)
    assert gan.sample(2, torch.Generator()).shape == (2, channels, size, size, size)
    assert gan.reconstruct(batch["real"]).shape == (2, channels, size, size, size)


@pytest.mark.parametrize("size", [128, 256])
def test_published_sizes_run_through_every_phase(size: int) -> None:
    with torch.device("meta"):
        gan = make(image_size=size)
    gan.to("meta")
    batch = gan.prepare_batch({"real": torch.empty(2, 2, size, size, size, device="meta")})
    terms = {phase.name: set(phase.loss(batch)) for phase in gan.phases()}
    assert terms == {
        "discriminator": {"real", "fake"},
        "generator": {"adversarial"},
        "encoder_high": {"slab"},
        "encoder_global": {"slab", "low"},
    }


def test_image_and_latent_volume_are_cut_at_the_same_place() -> None:
    gan = make(image_size=64)
    position = torch.arange(64.0).view(1, 1, 64, 1, 1).expand(1, 2, 64, 64, 64)
    starts = set()
    for seed in range(40):
        torch.manual_seed(seed)
        batch = gan.prepare_batch({"real": position})
        latent_position = gan.cut(F.avg_pool3d(position, 4), batch["start"])
        torch.testing.assert_close(
            latent_position, F.avg_pool3d(batch["slab"], 4)[..., :1, :1].expand(latent_position.shape)
        )
        starts.add(batch["start"])
    assert min(starts) == 0
    assert max(starts) == 64 - 8


def test_the_low_resolution_image_is_an_average() -> None:
    batch = make().prepare_batch({"real": torch.rand(1, 2, 32, 32, 32)})
    torch.testing.assert_close(batch["low"][0, 0, 0, 0, 0], batch["real"][0, 0, :4, :4, :4].mean())


def test_a_slab_of_the_latent_volume_makes_the_inside_of_that_slab_of_the_image() -> None:
    """Up to the voxels that zero padding reaches, and group norm's statistics, which the test takes out."""
    gan = make(image_size=64)
    gan.generator.high[1] = torch.nn.Identity()
    volume = gan.generator.latent_volume(torch.randn(1, gan.latent))
    whole, slab = gan.generator.high(volume), gan.generator.high(gan.cut(volume, 24))
    torch.testing.assert_close(slab[:, :, 3:-3], whole[:, :, 27:29])


def test_batch_of_one_trains() -> None:
    gan = run_steps(make(), torch.rand(2, 2, 32, 32, 32), batch_size=1)
    assert gan.images_seen == 2


def test_encoder_losses_leave_the_generator_alone() -> None:
    gan = make()
    before = {name: value.clone() for name, value in gan.generator.state_dict().items()}
    gan.phases = lambda: HAGAN.phases(gan)[2:]  # type: ignore[method-assign]
    run_steps(gan, torch.rand(2, 2, 32, 32, 32))
    for name, value in gan.generator.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"image_size": 48}, "cubes of 32, 64, 128, 256"),
        ({"image_size": [32, 32, 64]}, "cubes of 32, 64, 128, 256"),
        ({"spatial_dims": 2}, "spatial_dims must be 3"),
        ({"width": 20}, "multiple of 16"),
    ],
)
def test_what_it_cannot_make_is_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(**overrides)
