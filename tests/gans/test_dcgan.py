"""DCGAN: published parameter counts, shapes, and refusals."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_gans import read_config, run_steps, tiny_dcgan

from synthtrial.errors import ConfigError
from synthtrial.gans.model import build, parameter_counts


@pytest.mark.parametrize(
    ("name", "generator", "discriminator"),
    [("dcgan_lung", 31_733_696, 1_101_313), ("dcgan_brain", 27_265_281, 582_785)],
)
def test_the_published_networks_have_the_published_parameters(name: str, generator: int, discriminator: int) -> None:
    with torch.device("meta"):
        gan = build(read_config(name))
    assert parameter_counts(gan) == {"generator": generator, "discriminator": discriminator}


@pytest.mark.parametrize(
    ("dims", "size"), [(2, 16), (2, [16, 24]), (2, 64), (3, 16), (3, [16, 24, 16]), (3, 32), (3, [48, 32, 16])]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_samples_have_the_image_size(dims: int, size: int | list[int], channels: int) -> None:
    gan = build(tiny_dcgan(spatial_dims=dims, image_size=size, image_channels=channels))
    samples = gan.sample(2, torch.Generator().manual_seed(0))
    assert samples.shape == (2, channels, *([size] * dims if isinstance(size, int) else size))
    assert samples.abs().max() <= 1


@pytest.mark.parametrize("name", ["dcgan_lung", "dcgan_brain"])
def test_the_published_networks_make_other_sizes_in_2d_and_3d(name: str) -> None:
    for dims in (2, 3):
        gan = build(read_config(name, spatial_dims=dims, image_size=16, image_channels=2, train__batch_size=2))
        run_steps(gan, torch.rand(2, 2, *[16] * dims))
        assert gan.sample(1, torch.Generator()).shape == (1, 2, *[16] * dims)


def test_one_seed_gives_one_sample_whatever_came_before() -> None:
    gan = build(tiny_dcgan())
    first = gan.sample(1, torch.Generator().manual_seed(5))
    torch.rand(3)
    assert torch.equal(first, gan.sample(1, torch.Generator().manual_seed(5)))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"image_size": 17}, "halved"),
        ({"image_size": [16, 16]}, "2 axes, but spatial_dims is 3"),
        ({"loss": "wasserstein"}, "non_saturating, hinge, least_squares"),
        ({"generator__norm": "layer"}, "batch, group, null"),
        ({"generator__upsampling": "linear"}, "transposed, nearest"),
        ({"generator__channels": [8, 8], "generator__strides": [2]}, "2 channels but 1 strides"),
        ({"discriminator__channels": [8, 8], "discriminator__strides": [4, 8]}, "multiple of 32"),
    ],
)
def test_what_it_cannot_make_is_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(tiny_dcgan(**overrides))
