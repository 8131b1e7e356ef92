"""MedicalNet's features, with random weights in the layout of the published file."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from synthtrial.errors import ConfigError
from synthtrial.fidelity.features.medicalnet import MEDICALNET_50, MedicalNet50, medicalnet_50

BLOCKS, STRIDES, DILATIONS = (3, 4, 6, 3), (1, 2, 1, 1), (1, 1, 2, 4)
"""Of the four stages in MedicalNet's own code."""


def random_state() -> dict[str, Tensor]:
    """Weights under which the signal neither dies nor explodes."""
    generator = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        shapes = {key: value.shape for key, value in medicalnet_50().state_dict().items()}
    state = {}
    for key, shape in shapes.items():
        if len(shape) > 1:
            state[key] = torch.empty(shape).normal_(0, (2 / shape[1:].numel()) ** 0.5, generator=generator)
        elif not key.endswith("num_batches_tracked"):
            around = 0 if key.endswith(("bias", "mean")) else 1
            state[key] = around + 0.2 * torch.rand(shape, generator=generator)
    return state


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return random_state()


@pytest.fixture(scope="module")
def weights(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("weights") / "resnet_50_23dataset.pth"
    torch.save({"ecpoch": 1, "state_dict": {f"module.{key}": value for key, value in state.items()}}, path)
    return str(path)


@pytest.fixture(scope="module")
def extractor(weights: str) -> MedicalNet50:
    return MedicalNet50(spatial_dims=3, weights=weights, sha256=None, accelerator="cpu")


def features_by_the_book(state: dict[str, Tensor], volume: Tensor) -> Tensor:
    """MedicalNet's 3D ResNet-50 written out: bottlenecks `(2048,)` from a volume `(1, 1, X, Y, Z)`."""

    def convolve(maps: Tensor, key: str, norm: str, stride: int = 1, dilation: int = 1) -> Tensor:
        kernel = state[f"{key}.weight"]
        padding = dilation * (kernel.shape[2] // 2)
        maps = F.conv3d(maps, kernel, stride=stride, padding=padding, dilation=dilation)
        statistics = (state[f"{norm}.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(maps, *statistics)

    maps = F.max_pool3d(convolve(volume, "conv1", "bn1", stride=2).relu(), 3, stride=2, padding=1)
    for stage, (blocks, stride, dilation) in enumerate(zip(BLOCKS, STRIDES, DILATIONS, strict=True), start=1):
        for block in range(blocks):
            at, step = f"layer{stage}.{block}", stride if block == 0 else 1
            inner = convolve(maps, f"{at}.conv1", f"{at}.bn1").relu()
            inner = convolve(inner, f"{at}.conv2", f"{at}.bn2", step, dilation).relu()
            inner = convolve(inner, f"{at}.conv3", f"{at}.bn3")
            if block == 0:
                maps = convolve(maps, f"{at}.downsample.0", f"{at}.downsample.1", step)
            maps = (inner + maps).relu()
    return maps.mean(dim=(2, 3, 4))[0]


def volumes(channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (2, channels, 24, 20, 16)).astype(np.float32)


def test_features_are_those_of_medicalnets_own_strides_and_dilations(
    extractor: MedicalNet50, state: dict[str, Tensor]
) -> None:
    images = volumes()
    features = extractor(images)
    assert features.shape == (2, 2048)
    assert features.dtype == np.float64
    expected = features_by_the_book(state, torch.from_numpy(images[:1])).numpy()
    assert expected.std() > 0.01
    np.testing.assert_allclose(features[0], expected, rtol=1e-4, atol=1e-4 * expected.max())


def test_the_network_has_as_many_weights_as_the_published_file() -> None:
    with torch.device("meta"):
        network = medicalnet_50()
    floats = sum(value.numel() for key, value in network.state_dict().items() if not key.endswith("tracked"))
    # The published file has 184.9 MB, of which some hundred kB are names.
    assert 184e6 < 4 * floats < 185e6


def test_channels_are_volumes_of_their_own(extractor: MedicalNet50) -> None:
    pair = volumes(channels=2)[:1]
    expected = np.concatenate([extractor(pair[:, :1]), extractor(pair[:, 1:])], axis=1)
    np.testing.assert_array_equal(extractor(pair), expected)


def test_brightness_and_constant_masks_are_seen_as_they_are(extractor: MedicalNet50) -> None:
    image, empty = volumes()[:1], np.full((1, 1, 16, 16, 16), -1, np.float32)
    assert not np.allclose(extractor(image), extractor(image * 0.5 + 0.2))
    assert np.isfinite(extractor(empty)).all()


def test_the_default_accepts_the_published_file_alone(weights: str) -> None:
    extractor = MedicalNet50(spatial_dims=3, weights=weights)
    assert extractor.name == "medicalnet50"
    with pytest.raises(ConfigError, match=f"not {MEDICALNET_50.sha256}"):
        extractor(volumes())


def test_images_are_refused_before_weights_are_looked_for() -> None:
    with pytest.raises(ConfigError, match="these images are 2D: use inception_v3"):
        MedicalNet50(spatial_dims=2)
    with pytest.raises(ConfigError, match="needs weights, and has none. Get resnet_50_23dataset.pth from https://"):
        MedicalNet50(spatial_dims=3)
