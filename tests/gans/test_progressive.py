"""Progressive growing: published parameter counts, the schedule, and layers that fade in without a jump."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_gans import read_config, run_steps

from synthtrial.errors import ConfigError
from synthtrial.gans.model import build, parameter_counts
from synthtrial.gans.progressive import Progressive
from synthtrial.gans.progressive_networks import MinibatchDeviation, PixelNorm, at_size, equalised
from synthtrial.gans.schedule import Schedule


def tiny_progressive(**overrides: Any) -> dict[str, Any]:
    """Progressive growing to 16^3 with image and mask, over 3 resolutions."""
    return read_config("progressive", **{"image_size": 16, "latent": 8, "width": 4, "max_channels": 8} | overrides)


def make(**overrides: Any) -> Progressive:
    gan = build(tiny_progressive(**overrides))
    assert isinstance(gan, Progressive)
    return gan


def test_parameters_are_as_published() -> None:
    """The authors' networks for 1024 x 1024 pixels, 23.1 million parameters each (table 2)."""
    published = {"image_size": 1024, "image_channels": 3, "latent": 512, "width": 16, "max_channels": 512}
    with torch.device("meta"):
        counts = parameter_counts(build(read_config("progressive", spatial_dims=2, **published)))
    assert counts == {"generator": 23_079_115, "discriminator": 23_087_249}


@pytest.mark.parametrize(("dims", "size"), [(2, 16), (2, [16, 24]), (2, 64), (3, 16), (3, [16, 24, 16])])
def test_samples_have_the_image_size_however_far_it_has_grown(dims: int, size: int | list[int]) -> None:
    gan = make(spatial_dims=dims, image_size=size)
    for grown in (0.0, 0.3, 1.0, 1.7, float(gan.doublings)):
        gan.generator_ema.grown.fill_(grown)
        samples = gan.sample(2, torch.Generator().manual_seed(0))
        assert samples.shape == (2, 2, *([size] * dims if isinstance(size, int) else size))
        assert samples.abs().max() <= 1


def test_stages_settle_and_fade_in_turns_and_the_last_resolution_gets_the_rest() -> None:
    gan = make(stage_images=100)
    gan.schedule = Schedule(images=10_000, batch_size=1)
    expected = {0: 0, 99: 0, 150: 0.5, 200: 1, 299: 1, 325: 1.25, 399: 1.99, 400: 2, 10_000: 2}
    for images, grown in expected.items():
        assert gan.grown(images) == pytest.approx(grown)


def test_stages_too_long_for_the_training_are_shortened_to_half_of_it() -> None:
    gan = make(stage_images=10**9)
    gan.schedule = Schedule(images=800, batch_size=1)
    assert gan.grown(399) < 2
    assert gan.grown(400) == 2


@pytest.mark.parametrize("level", [1, 2])
def test_a_new_resolution_starts_where_the_last_one_was_and_ends_as_itself(level: int) -> None:
    gan = make()
    noise, before, after = torch.randn(2, 8), float(level - 1), float(level)
    small = gan.generator(noise, before)
    fading = gan.generator(noise, level - 1 + 1e-4)
    torch.testing.assert_close(fading, torch.nn.Upsample(scale_factor=2)(small), rtol=0, atol=1e-2)
    torch.testing.assert_close(gan.generator(noise, level - 1e-4), gan.generator(noise, after), rtol=0, atol=1e-2)
    torch.testing.assert_close(
        gan.discriminator(fading, level - 1 + 1e-4), gan.discriminator(small, before), rtol=0, atol=1e-2
    )


def test_real_images_shrink_to_averages_and_lose_the_detail_that_fades_in() -> None:
    images = torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(at_size(images, 1.0, doublings=2)[0, 0, 0, 0], images[0, 0, :2, :2].mean())
    fading = at_size(images, 1.0 + 1e-6, doublings=2)
    torch.testing.assert_close(fading, torch.nn.Upsample(scale_factor=2)(at_size(images, 1.0, doublings=2)))
    assert torch.equal(at_size(images, 2.0, doublings=2), images)


def test_layers_that_have_not_come_yet_stay_as_they_are() -> None:
    gan = make(stage_images=10**9)
    before = gan.generator.blocks[0][0].conv.weight.clone()  # type: ignore[index, union-attr]
    gan.grown = lambda images_seen: 0.0  # type: ignore[method-assign]
    run_steps(gan, torch.rand(4, 2, 16, 16, 16))
    assert torch.equal(gan.generator.blocks[0][0].conv.weight, before)  # type: ignore[index, union-attr]


def test_training_grows_to_full_size_and_the_average_knows() -> None:
    gan = make(r1_interval=2)
    seen: list[float] = []
    original = gan.prepare_batch
    gan.prepare_batch = lambda batch: seen.append(original(batch)["grown"]) or original(batch)  # type: ignore[method-assign, func-returns-value]
    run_steps(gan, torch.rand(20, 2, 16, 16, 16) * 2 - 1, log_every=20)
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert seen[-1] == gan.generator_ema.grown == 2
    assert set(gan.history.rows[-1]) == {
        "images",
        "discriminator/accuracy",
        "discriminator/real",
        "discriminator/fake",
        "discriminator/r1",
        "generator/adversarial",
    }


def test_a_batch_of_one_trains() -> None:
    assert run_steps(make(), torch.rand(3, 2, 16, 16, 16), batch_size=1).images_seen == 3


def test_equalised_layers_keep_the_variance() -> None:
    torch.manual_seed(0)
    layer = equalised(torch.nn.Linear(256, 256), gain=1.0)
    assert layer(torch.randn(256, 256)).var().item() == pytest.approx(1.0, rel=0.1)
    assert dict(layer.named_parameters())["parametrizations.weight.original"].var().item() == pytest.approx(1, rel=0.1)


def test_pixel_norm_gives_every_voxel_a_mean_square_of_one() -> None:
    normed = PixelNorm()(5 * torch.randn(2, 8, 3, 3))
    torch.testing.assert_close(normed.square().mean(dim=1), torch.ones(2, 3, 3))


def test_the_deviation_of_a_batch_of_equal_images_is_zero() -> None:
    images = torch.randn(1, 4, 3, 3)
    assert MinibatchDeviation()(images.expand(5, 4, 3, 3))[:, 4].abs().max() < 1e-3
    assert MinibatchDeviation()(torch.randn(5, 4, 3, 3))[:, 4].min() > 0.1


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"image_size": 17}, "can't be halved; choose multiples of 8"),
        ({"stage_images": 0}, "stage_images=0"),
        ({"r1": -1.0}, "r1=-1.0"),
        ({"augment__shift_axes": [3]}, "no spatial axis 3"),
    ],
)
def test_what_cannot_be_is_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(**overrides)
