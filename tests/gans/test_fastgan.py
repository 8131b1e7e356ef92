"""FastGAN: the published layout, any aspect ratio, what each network learns from, and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from small_gans import read_config, run_steps
from test_perceptual import write_weights

from synthtrial.errors import ConfigError
from synthtrial.gans.fastgan import FastGAN
from synthtrial.gans.fastgan_blocks import GatedConv, NoiseInjection, SkipLayerExcitation
from synthtrial.gans.fastgan_levels import grids_of, low_level
from synthtrial.gans.fastgan_networks import Discriminator, Generator, part_at
from synthtrial.gans.model import build


def tiny_fastgan(**overrides: Any) -> dict[str, Any]:
    """FastGAN at 32 x 32 with image and mask and few channels."""
    return read_config("fastgan", **{"image_size": 32, "latent": 8, "width": 4, "mask_channels": 1} | overrides)


def built(**overrides: Any) -> FastGAN:
    gan = build(tiny_fastgan(**overrides))
    assert isinstance(gan, FastGAN)
    return gan


def real_images(n: int, *size: int) -> torch.Tensor:
    return torch.rand(n, 2, *size) * 2 - 1


def sides(size: int) -> list[int]:
    return [grid[0] for grid in grids_of([size, size])]


def test_powers_of_two_have_the_published_grids() -> None:
    assert sides(1024) == [4, 8, 16, 32, 64, 128, 256, 512, 1024]
    assert [sides(size)[low_level(len(sides(size)) - 1)] for size in (32, 64, 128, 256, 512, 1024)] == [
        16, 32, 64, 128, 128, 128,
    ]  # fmt: skip


def test_the_page_starts_from_a_rounded_grid_and_has_an_exact_low_resolution() -> None:
    grids = grids_of([1024, 3680])
    assert grids[0] == (4, 15)
    assert grids[low_level(len(grids) - 1)] == (128, 460)
    assert grids[-1] == (1024, 3680)


@pytest.mark.parametrize("size", [32, 34, 40, 56, 100, 168, 1000, 3680])
def test_every_grid_is_the_next_one_halved_and_starts_at_4_to_6(size: int) -> None:
    found = sides(size)
    assert 4 <= found[0] <= 6
    assert found[-1] == size
    assert all(coarse == (fine + 1) // 2 for coarse, fine in zip(found, found[1:], strict=False))


def test_the_generator_has_the_published_skips_and_noise() -> None:
    with torch.device("meta"):
        generators = {size: Generator([size, size], 3, 256, 64) for size in (32, 64, 1024)}
    assert {size: len(generator.skips) for size, generator in generators.items()} == {32: 1, 64: 1, 1024: 4}
    for source, (coarse, fine) in enumerate([(1024, 128), (512, 64), (256, 32), (128, 16)]):
        gate = generators[1024].skips[source].gate
        assert (gate[1].in_channels, gate[1].out_channels) == (coarse, fine)
    noisy = [len(block.convs) for block in generators[1024].blocks]
    assert noisy == [2, 1, 2, 1, 2, 1, 2, 1]


def convolution(before: int, after: int, kernel: int) -> int:
    return before * after * kernel**2


def gated(before: int, after: int) -> int:
    """Weights of a 3 x 3 convolution to twice the channels, with its batch norm."""
    return convolution(before, 2 * after, 3) + 4 * after


def excitation(coarse: int, fine: int) -> int:
    return convolution(coarse, fine, 4) + convolution(fine, fine, 1)


def activation(before: int, after: int, kernel: int) -> int:
    return convolution(before, after, kernel) + 2 * after


def residual(before: int, after: int) -> int:
    return activation(before, after, 4) + activation(after, after, 3) + activation(before, after, 1)


def test_parameters_at_256_are_those_of_the_published_layers() -> None:
    """Counted from the table of the paper: width 64, latent 256, three channels."""
    with torch.device("meta"):
        generator, discriminator = Generator([256, 256], 3, 256, 64), Discriminator([256, 256], 3, 64)
    expected = convolution(256, 2048, 4) + 2 * 2048
    channels = [1024, 512, 256, 128, 128, 64, 32]
    for level in range(1, 7):
        expected += gated(channels[level - 1], channels[level])
        expected += gated(channels[level], channels[level]) + 2 if level % 2 else 0
    expected += excitation(1024, 128) + excitation(512, 64) + excitation(256, 32)
    expected += convolution(64, 3, 1) + convolution(32, 3, 3)
    assert sum(p.numel() for p in generator.parameters()) == expected

    expected = convolution(3, 16, 3)
    expected += residual(16, 32) + residual(32, 64) + residual(64, 128) + residual(128, 256) + residual(256, 512)
    expected += excitation(16, 128) + excitation(32, 256) + excitation(64, 512)
    expected += activation(512, 1024, 1) + convolution(1024, 1, 4)
    expected += convolution(3, 32, 4) + activation(32, 64, 4) + activation(64, 128, 4) + activation(128, 256, 4)
    expected += convolution(256, 1, 4)
    for features in (512, 256, 256):
        expected += gated(features, 128) + gated(128, 64) + gated(64, 64) + gated(64, 32) + convolution(32, 3, 3)
    assert sum(p.numel() for p in discriminator.parameters()) == expected


@pytest.mark.parametrize(
    ("dims", "size"), [(2, 32), (2, [32, 120]), (2, [56, 40]), (2, 128), (3, 32), (3, [40, 32, 48])]
)
def test_samples_have_the_image_size(dims: int, size: int | list[int]) -> None:
    gan = built(spatial_dims=dims, image_size=size)
    samples = gan.sample(2, torch.Generator().manual_seed(0))
    assert samples.shape == (2, 2, *([size] * dims if isinstance(size, int) else size))
    assert samples.abs().max() <= 1


def test_a_page_of_1024_by_3680_can_be_described() -> None:
    with torch.device("meta"):
        gan = build(read_config("fastgan_page"))
        assert gan.sample(1, torch.Generator("cpu")).shape == (1, 2, 1024, 3680)


def test_one_seed_gives_one_sample_whatever_came_before() -> None:
    gan = built()
    for layer in gan.generator_ema.modules():
        if isinstance(layer, NoiseInjection):
            layer.strength.fill_(1.0)
    first = gan.sample(1, torch.Generator().manual_seed(5))
    torch.rand(3)
    assert torch.equal(first, gan.sample(1, torch.Generator().manual_seed(5)))


@pytest.mark.parametrize(("dims", "size"), [(2, [32, 40]), (3, [32, 32, 32])])
def test_a_step_logs_every_term(dims: int, size: list[int]) -> None:
    gan = run_steps(built(spatial_dims=dims, image_size=size), real_images(4, *size), log_every=4)
    assert set(gan.history.rows[0]) == {
        "images",
        "discriminator/real",
        "discriminator/fake",
        "discriminator/l1",
        "discriminator/ms_ssim",
        "discriminator/accuracy",
        "generator/adversarial",
    }


def test_perceptual_weights_take_the_place_of_ms_ssim_and_are_no_part_of_the_model(tmp_path: Path) -> None:
    gan = built(perceptual_weights=str(write_weights(tmp_path, "vgg16")))
    terms = gan.discriminator_terms({"real": real_images(2, 32, 32)})
    assert set(terms) == {"real", "fake", "l1", "perceptual"}
    assert gan.state_dict().keys() == built().state_dict().keys()


def test_it_trains_one_image_at_a_time() -> None:
    gan = run_steps(built(), real_images(2, 32, 32), batch_size=1)
    assert all(parameter.isfinite().all() for parameter in gan.parameters())


@pytest.mark.parametrize("term", ["l1", "ms_ssim"])
def test_reconstructions_teach_the_discriminator_and_never_the_generator(term: str) -> None:
    gan = built()
    batch = {"real": real_images(2, 32, 32)}
    gan.discriminator_terms(batch)[term].backward()
    learned = {name for name, parameter in gan.named_parameters() if parameter.grad is not None}
    assert {name.split(".")[0] for name in learned} == {"discriminator"}
    judges = ("discriminator.judge_full", "discriminator.judge_low")
    assert not any(name.startswith(judges) for name in learned)
    for decoder in ("decode_full", "decode_part", "decode_low"):
        assert any(name.startswith(f"discriminator.{decoder}") for name in learned)


def test_the_generators_loss_reaches_all_of_its_parameters() -> None:
    gan = built(augment=None)
    gan.generator_terms({"real": real_images(2, 32, 32)})["adversarial"].backward()
    assert all(parameter.grad is not None for parameter in gan.generator.parameters())


def test_a_perfect_reconstruction_costs_nothing() -> None:
    gan = built()
    images = [real_images(2, 16, 16) for _ in range(3)]
    terms = gan.reconstruction_terms(images, [image.clone() for image in images])
    assert {name: pytest.approx(0, abs=1e-5) for name in terms} == {n: t.item() for n, t in terms.items()}


def test_the_corners_of_an_image_make_it_up() -> None:
    image = torch.arange(16.0).view(1, 1, 4, 4)
    rows = [torch.cat([part_at(image, [down, right]) for right in (False, True)], dim=3) for down in (False, True)]
    assert torch.equal(torch.cat(rows, dim=2), image)


def test_an_excitation_weighs_whole_channels_by_the_coarse_grid() -> None:
    skip = SkipLayerExcitation(2, low_channels=3, high_channels=5)
    weights = skip(torch.rand(2, 3, 4, 7), torch.ones(2, 5, 16, 28))
    assert torch.equal(weights, weights[..., :1, :1].expand_as(weights))
    assert ((weights > 0) & (weights < 1)).all()
    assert not torch.equal(weights[0], weights[1])


def test_noise_is_silent_until_it_is_learned() -> None:
    torch.manual_seed(0)
    layer = GatedConv(2, 3, 4, (8, 7), enlarge=True, noisy=True).eval()
    x = torch.rand(1, 3, 4, 4)
    assert layer(x).shape == (1, 4, 8, 7)
    assert torch.equal(layer(x), layer(x))
    assert layer.noise is not None
    layer.noise.strength.data.fill_(1.0)
    assert not torch.equal(layer(x), layer(x))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"image_size": 24}, "at least 32 voxels"),
        ({"image_size": 33}, "multiple of 2"),
        ({"image_size": [1028, 1028]}, "multiple of 8"),
        ({"image_size": [32, 32, 32]}, "3 axes, but spatial_dims is 2"),
        ({"mask_channels": 2}, "mask_channels=2 must be less than image_channels=2"),
        ({"loss": "wasserstein"}, "non_saturating, hinge, least_squares"),
        ({"spatial_dims": 3, "perceptual_weights": "vgg16.pth"}, "perceptual_weights=null for volumes"),
    ],
)
def test_what_it_cannot_make_is_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(tiny_fastgan(**overrides))
