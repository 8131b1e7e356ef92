"""The perceptual distance of pairs, with random weights in torchvision's layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from synthtrial.errors import ConfigError
from synthtrial.fidelity.cases import real_cases
from synthtrial.fidelity.compared import Compared
from synthtrial.fidelity.features.lpips import LAYERS, PerceptualDistance
from synthtrial.fidelity.measure import measure_images
from synthtrial.gans.perceptual import CONVOLUTIONS_PER_BLOCK, PerceptualLoss, vgg_layers


def write_weights(folder: Path, name: str) -> Path:
    """A file with the convolutions that `torchvision.models.vgg16().state_dict()` has."""
    generator = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        shapes = nn.Sequential(*vgg_layers(CONVOLUTIONS_PER_BLOCK[name]).values()).state_dict()
    state = {}
    for key, value in shapes.items():
        deviation = (2 / value[0].numel()) ** 0.5 if value.dim() > 1 else 0
        state[f"features.{key}"] = torch.randn(value.shape, generator=generator) * deviation
    torch.save(state, folder / f"{name}.pth")
    return folder / f"{name}.pth"


@pytest.fixture(scope="module")
def vgg16(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights"), "vgg16")


@pytest.fixture(scope="module")
def distance(vgg16: Path) -> PerceptualDistance:
    return PerceptualDistance(vgg16)


def pairs(*shape: int) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.random.default_rng(0).uniform(-1, 1, (2, *shape)).astype(np.float32)
    return first, second


def test_equal_images_have_no_distance_and_others_more_the_more_they_differ(distance: PerceptualDistance) -> None:
    image, noise = pairs(1, 1, 16, 16)
    values = [distance(image, image + strength * noise)[0] for strength in (0, 0.05, 0.3, 1)]
    assert values[0] == 0
    assert sorted(set(values)) == values
    assert distance(image, noise) == pytest.approx(distance(noise, image))


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_it_is_the_loss_of_each_pair_by_itself(distance: PerceptualDistance, vgg16: Path, channels: int) -> None:
    first, second = pairs(2, channels, 16, 20)
    loss = PerceptualLoss(vgg16, LAYERS)
    batches = [torch.from_numpy(images).split(1) for images in (first, second)]
    expected = [loss(a, b).item() for a, b in zip(*batches, strict=True)]
    np.testing.assert_allclose(distance(first, second), expected, rtol=1e-5)


def test_a_volume_has_the_mean_distance_of_its_axial_slices(distance: PerceptualDistance) -> None:
    first, second = pairs(1, 1, 16, 18, 17)
    slices = [distance(first[..., z], second[..., z])[0] for z in range(17)]
    assert distance(first, second)[0] == pytest.approx(np.mean(slices), rel=1e-5)


def test_the_file_tells_the_network(distance: PerceptualDistance, tmp_path: Path) -> None:
    assert distance.network == "vgg16"
    assert PerceptualDistance(write_weights(tmp_path, "vgg19")).network == "vgg19"


def test_pairs_are_measured_where_there_are_weights(distance: PerceptualDistance, make_cohort) -> None:
    cohort = make_cohort(shape=(16, 16))
    real = real_cases(cohort, cohort.development)
    swapped = real_cases(cohort, cohort.development[1:] + cohort.development[:1])
    compared = Compared(real=real, training=real, held_out=None, synthetic=swapped)
    pairs = {"paired": (real, swapped), "reconstructed": (real, real)}
    without = measure_images(compared, pairs, 5, None, 0, {})
    found = measure_images(compared, pairs, 5, distance, 0, {})
    assert found.items() - without.items() == {(name, found[name]) for name in found if name.startswith("lpips_like")}
    own, strangers = found["lpips_like_reconstructed/vgg16_n12"], found["lpips_like_paired/vgg16_n12"]
    assert (own.value, own.low, own.high, own.better) == (0, 0, 0, "lower")
    assert own.floor == strangers.floor and strangers.low < strangers.floor < strangers.high


def test_weights_of_another_network_are_an_error_and_images_too_small_a_metric_left_out(
    distance: PerceptualDistance, make_cohort, tmp_path: Path
) -> None:
    cohort = make_cohort(shape=(12, 12))
    real = real_cases(cohort, cohort.development)
    compared = Compared(real=real, training=real, held_out=None, synthetic=real)
    left_out: dict[str, str] = {}
    found = measure_images(compared, {"paired": (real, real)}, 5, distance, 0, left_out)
    assert "ssim_paired/pixels_n12" in found and "needs 16 pixels" in left_out["lpips_like_paired/vgg16"]
    torch.save({"features.0.weight": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(ConfigError, match="holds neither"):
        measure_images(compared, {"paired": (real, real)}, 5, PerceptualDistance(tmp_path / "other.pth"), 0, {})


def test_what_can_not_be_compared_is_refused(distance: PerceptualDistance, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file of VGG weights .*none.pth"):
        PerceptualDistance(tmp_path / "none.pth")
    for first, second in ((pairs(1, 1, 16, 16)[0], pairs(1, 2, 16, 16)[0]), pairs(0, 1, 16, 16), pairs(1, 16, 16)):
        with pytest.raises(ConfigError, match="compares pairs of images"):
            distance(first, second)
    with pytest.raises(ConfigError, match="needs 16 pixels per side"):
        distance(*pairs(1, 1, 15, 16))
