"""StyleGAN2-ADA: published parameter counts, the properties of its layers, its penalties, and training."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from small_gans import read_config, run_steps
from torch import Tensor

from synthtrial.errors import ConfigError
from synthtrial.gans.model import build, parameter_counts
from synthtrial.gans.stylegan2_ada import StyleGAN2ADA
from synthtrial.gans.stylegan2_layers import MinibatchDeviation, ModulatedConv
from synthtrial.gans.stylegan2_mapping import Mapping
from synthtrial.gans.stylegan2_networks import pyramid
from synthtrial.gans.stylegan2_penalties import PathLength
from synthtrial.gans.stylegan2_resampling import binomial_filter, resampled


def tiny_stylegan2(**overrides: Any) -> dict[str, Any]:
    """StyleGAN2-ADA at 16^3 with image and mask, and few channels."""
    settings = {
        "spatial_dims": 3,
        "image_size": 16,
        "image_channels": 2,
        "mask_channels": 1,
        "path_length__weight": 2.0,
    }
    widths = {"latent": 8, "style": 8, "channel_base": 64, "channel_max": 8}
    return read_config("stylegan2_ada", **settings | widths | overrides)


def tiny(**overrides: Any) -> StyleGAN2ADA:
    gan = build(tiny_stylegan2(**overrides))
    assert isinstance(gan, StyleGAN2ADA)
    return gan


def images(n: int, dims: int = 3) -> Tensor:
    return torch.rand(n, 2, *[16] * dims) * 2 - 1


@pytest.mark.parametrize(
    ("size", "base", "layers", "channels", "generator", "discriminator"),
    [
        (256, 16384, 8, 3, 24_767_458, 24_001_089),
        (256, 32768, 8, 3, 30_034_338, 28_864_129),
        (128, 16384, 2, 1, 22_944_401, 23_882_113),
        (64, 16384, 2, 1, 22_238_990, 23_406_849),
    ],
)
def test_the_published_networks_have_the_published_parameters(
    size: int, base: int, layers: int, channels: int, generator: int, discriminator: int
) -> None:
    settings = {"image_size": size, "channel_base": base, "mapping_layers": layers, "image_channels": channels}
    with torch.device("meta"):
        gan = build(read_config("stylegan2_ada", **settings))
    assert parameter_counts(gan) == {"generator": generator, "discriminator": discriminator}


@pytest.mark.parametrize("name", ["stylegan2_ada_paper", "stylegan2_thesis"])
def test_the_presets_can_be_built(name: str) -> None:
    with torch.device("meta"):
        build(read_config(name))


@pytest.mark.parametrize(
    ("dims", "size"), [(2, 16), (2, [16, 24]), (2, [48, 64]), (3, 16), (3, [16, 24, 16]), (3, [16, 16, 48])]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_samples_have_the_image_size(dims: int, size: int | list[int], channels: int) -> None:
    gan = tiny(spatial_dims=dims, image_size=size, image_channels=channels, mask_channels=0)
    samples = gan.sample(2, torch.Generator().manual_seed(0))
    assert samples.shape == (2, channels, *([size] * dims if isinstance(size, int) else size))
    assert samples.abs().max() <= 1
    assert gan.judge(samples, {"real": samples}).shape == (2, 1)


@pytest.mark.parametrize(
    ("size", "start"),
    [([16, 16], (4, 4)), ([1024, 1024], (4, 4)), ([48, 64], (3, 4)), ([112, 176], (7, 11)), ([32, 32, 48], (4, 4, 6))],
)
def test_squares_of_a_power_of_two_start_at_4x4_and_others_near_it(size: list[int], start: tuple[int, ...]) -> None:
    grids = pyramid(size)
    assert grids[0] == start
    assert grids[-1] == tuple(size)


def test_without_a_channel_base_the_width_at_full_size_is_the_same_for_all_sizes() -> None:
    for dims, width in ((2, 32), (3, 16)):
        for size in (16, 32):
            with torch.device("meta"):
                gan = tiny(spatial_dims=dims, image_size=size, channel_base=None, channel_max=512)
            assert gan.discriminator.from_image.weight.shape[0] == width


def test_one_seed_gives_one_sample_whatever_came_before() -> None:
    gan = tiny()
    for module in gan.generator_ema.synthesis.convs:
        torch.nn.init.ones_(module.noise.strength)
    first = gan.sample(1, torch.Generator().manual_seed(5))
    torch.rand(3)
    assert torch.equal(first, gan.sample(1, torch.Generator().manual_seed(5)))
    assert not torch.equal(first, gan.sample(1, torch.Generator().manual_seed(6)))


# Layers


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("dims", [2, 3])
def test_a_modulated_convolution_scales_and_normalises_the_kernel_of_every_sample(dims: int, up: bool) -> None:
    layer = ModulatedConv(dims, 3, 4, kernel=3, up=up)
    x, style = torch.randn(2, 3, *[5] * dims), torch.randn(2, 3)
    kernels = layer.weight * style.view(2, 1, 3, *[1] * dims)
    kernels = kernels / kernels.flatten(2).norm(dim=2).view(2, 4, *[1] * (dims + 1))
    for sample, kernel, found in zip(x, kernels, layer(x, style), strict=True):
        torch.testing.assert_close(found, by_zero_insertion(sample, kernel, up), atol=1e-4, rtol=1e-4)


def by_zero_insertion(x: Tensor, kernel: Tensor, up: bool) -> Tensor:
    """Convolve `(C, *S)`; with `up` on a grid with zeros between voxels, filtered, as the paper describes it."""
    dims = x.dim() - 1
    convolve = {2: F.conv2d, 3: F.conv3d}[dims]
    if not up:
        return convolve(x[None], kernel, padding=1)[0]
    stuffed = x.new_zeros(len(x), *[2 * n for n in x.shape[1:]])
    stuffed[(slice(None), *[slice(None, None, 2)] * dims)] = x
    wide = F.pad(stuffed[:, None], [3, 2] * dims)
    taps = 2 * binomial_filter()
    square = taps[:, None] * taps if dims == 2 else taps[:, None, None] * taps[:, None] * taps
    smooth = convolve(wide, square[None, None])[:, 0]
    return convolve(smooth[None], kernel.flip(tuple(range(2, 2 + dims))))[0]


@pytest.mark.parametrize("dims", [2, 3])
def test_resampling_keeps_what_is_constant_away_from_the_edges(dims: int) -> None:
    ones = torch.ones(1, 2, *[8] * dims)
    inner = (slice(None), slice(None), *[slice(2, -2)] * dims)
    doubled = resampled(ones, 2 * binomial_filter(), padding=1, up=2)
    halved = resampled(doubled, binomial_filter(), padding=1, down=2)
    assert doubled.shape[2:] == (16,) * dims
    assert halved.shape == ones.shape
    torch.testing.assert_close(doubled[inner], torch.ones_like(doubled[inner]))
    torch.testing.assert_close(halved[inner], torch.ones_like(halved[inner]))


@pytest.mark.parametrize(("batch", "size"), [(1, 1), (2, 2), (5, 1), (6, 3), (8, 4)])
def test_minibatch_deviation_compares_groups_of_at_most_four(batch: int, size: int) -> None:
    x = torch.randn(batch, 3, 4, 4)
    deviation = MinibatchDeviation()(x)[:, 3, 0, 0]
    groups = batch // size
    for group in range(groups):
        expected = x[group::groups].std(dim=0, correction=0).mean()
        torch.testing.assert_close(deviation[group::groups], expected.expand(size), atol=1e-4, rtol=1e-4)


def test_a_style_does_not_depend_on_the_length_of_the_noise_and_truncation_leads_to_the_average() -> None:
    mapping = Mapping(8, 6, 2)
    z = torch.randn(64, 8)
    torch.testing.assert_close(mapping(z), mapping(3 * z))
    for _ in range(2000):
        mapping.track(mapping(z))
    torch.testing.assert_close(mapping.average, mapping(z).mean(dim=0), atol=1e-3, rtol=0)
    torch.testing.assert_close(mapping(z, truncation=0.0), mapping.average.expand(64, 6))
    spread = [mapping(z, truncation=psi).var(dim=0).sum() for psi in (1.0, 0.7, 0.3)]
    assert spread == sorted(spread, reverse=True)


def test_noise_is_random_constant_or_none() -> None:
    synthesis = tiny().generator.synthesis
    for module in synthesis.convs:
        torch.nn.init.ones_(module.noise.strength)
    w = torch.randn(1, 8)
    constant, none = synthesis(w, noise="constant"), synthesis(w, noise="none")
    assert torch.equal(constant, synthesis(w, noise="constant"))
    assert not torch.allclose(constant, none)
    assert not torch.allclose(synthesis(w), synthesis(w))


def test_a_style_per_layer_is_the_same_as_one_style_repeated() -> None:
    synthesis = tiny().generator.synthesis
    w = torch.randn(2, 8)
    torch.testing.assert_close(
        synthesis(w, noise="none"), synthesis(w[:, None].repeat(1, synthesis.layers, 1), noise="none")
    )


def test_style_mixing_takes_late_layers_from_other_noise() -> None:
    generator = tiny().generator
    z = torch.randn(2, 8)
    pure, mixed = generator.styles(z, mixing=0.0), generator.styles(z, mixing=1.0)
    same = (pure == mixed).all(dim=2).all(dim=0)
    first = int(same.sum())
    assert 1 <= first < generator.synthesis.layers
    assert same[:first].all()


@pytest.mark.parametrize("dims", [2, 3])
def test_losses_in_bfloat16_are_near_those_in_full_precision(dims: int) -> None:
    gan = tiny(spatial_dims=dims).eval()
    found = []
    for enabled in (False, True):
        torch.manual_seed(0)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            terms = gan.discriminator_terms({"real": images(2, dims)})
            found.append([term.item() for term in terms.values()])
    assert found[1] == pytest.approx(found[0], rel=0.03)


# Classes


def test_without_classes_there_are_no_parameters_for_them_and_with_classes_they_matter() -> None:
    plain, conditional = tiny(), tiny(classes=["benign", "malignant"])
    assert plain.conditions_on == ""
    assert conditional.conditions_on == "label"
    assert not any("embed" in name for name, _ in plain.named_parameters())
    first, second = (conditional.sample(1, torch.Generator().manual_seed(0), torch.tensor([k])) for k in (0, 1))
    assert not torch.allclose(first, second)
    real = images(2)
    labels = [torch.tensor([k, k]) for k in (0, 1, -1)]
    logits = [conditional.discriminator(real, label) for label in labels]
    assert not torch.allclose(logits[0], logits[1])
    torch.testing.assert_close(logits[2], conditional.discriminator(real))


# Penalties


def test_the_path_length_is_the_slope_of_a_linear_generator() -> None:
    """Images 3 w: the slope along noise y is 3 y, whose mean length for unit noise is 3, in the paper's scale."""
    penalty = PathLength(weight=1.0, interval=1, decay=1.0)
    styles = torch.randn(64, 1, 256, requires_grad=True)
    penalty((3 * styles[:, 0]).view(64, 1, 16, 16), styles)
    assert penalty.mean.item() == pytest.approx(3.0, rel=0.05)


def test_r1_is_the_squared_slope_by_the_rule_and_reaches_the_discriminator_through_the_augmentation() -> None:
    gan = tiny(augment__probability=0.5, r1__gamma=None)
    real = images(2)
    found = gan.r1(lambda x: 3 * x.flatten(1).sum(dim=1), real, batch_size=2)
    gamma = 0.0002 * 16**3 / 2
    assert found.item() == pytest.approx(gamma / 2 * 4 * 9 * real[0].numel(), rel=1e-4)
    gan.r1_terms({"real": real})["r1"].backward()
    weight = gan.discriminator.from_image.weight
    assert weight.grad is not None
    assert weight.grad.abs().sum() > 0


def test_adam_is_rescaled_for_lazy_penalties() -> None:
    gan = tiny(lr_g=0.01, lr_d=0.01, r1__interval=16)
    discriminator, generator = gan.configure_optimizers()
    for optimizer, interval in ((discriminator, 16), (generator, 4)):
        share = interval / (interval + 1)
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.01 * share)
        assert optimizer.param_groups[0]["betas"] == pytest.approx((0.0, 0.99**share))
    without = tiny(lr_g=0.01, path_length__weight=0.0).configure_optimizers()[1]
    assert without.param_groups[0]["lr"] == pytest.approx(0.01)


# Training


@pytest.mark.parametrize("dims", [2, 3])
def test_a_training_logs_every_term_and_moves_the_buffers(dims: int) -> None:
    gan = run_steps(tiny(spatial_dims=dims, augment__every=1), images(6, dims), log_every=6)
    assert set(gan.history.rows[0]) == {
        "images",
        "discriminator/real",
        "discriminator/fake",
        "discriminator/accuracy",
        "discriminator/r1",
        "generator/adversarial",
        "generator/path_length",
        "augment/probability",
    }
    assert isinstance(gan, StyleGAN2ADA)
    assert gan.path_length.mean > 0
    assert gan.generator_ema.mapping.average.abs().sum() > 0


def test_without_penalties_and_augmentation_it_trains_on_single_images() -> None:
    gan = tiny(r1__gamma=0.0, path_length__weight=0.0, augment=None, image_size=[16, 24, 16])
    run_steps(gan, torch.rand(2, 2, 16, 24, 16), batch_size=1)
    names = {"images", "discriminator/real", "discriminator/fake", "discriminator/accuracy", "generator/adversarial"}
    assert set(gan.history.rows[-1]) == names


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"image_size": 17}, "17x17x17 only"),
        ({"image_size": [32, 34, 32]}, "multiples of 16"),
        ({"channel_base": 8}, "channel_base of at least 16"),
        ({"style_mixing": 1.5}, "style_mixing must lie in"),
        ({"mask_channels": 2}, "mask_channels=2 must be less than image_channels=2"),
        ({"r1__interval": 0}, "r1.interval=0"),
        ({"path_length__share": 0.0}, "share in"),
        ({"latent": 0}, "latent=0"),
    ],
)
def test_what_it_cannot_make_is_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        tiny(**overrides)
