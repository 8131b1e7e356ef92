"""FID's Inception network, with random weights in the layout of the published file."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from synthtrial.errors import ConfigError
from synthtrial.fidelity.features.inception import INCEPTION, InceptionV3, as_graph_input, resize_as_tensorflow_1
from synthtrial.fidelity.features.inception_network import InceptionNetwork


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Random weights under which the signal neither dies nor explodes."""
    generator = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        shapes = {key: value.shape for key, value in InceptionNetwork().state_dict().items()}
    state = {}
    for key, shape in shapes.items():
        if len(shape) > 1:
            state[key] = torch.empty(shape).normal_(0, (2 / shape[1:].numel()) ** 0.5, generator=generator)
        elif not key.endswith("num_batches_tracked"):
            around = 0 if key.endswith(("bias", "mean")) else 1
            state[key] = around + 0.2 * torch.rand(shape, generator=generator)
    path = tmp_path_factory.mktemp("weights") / INCEPTION.file
    torch.save(state, path)
    return str(path)


@pytest.fixture(scope="module")
def extractor(weights: str) -> InceptionV3:
    return InceptionV3(spatial_dims=2, weights=weights, sha256=None, accelerator="cpu")


def images(channels: int, n: int = 1) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (n, channels, 20, 24)).astype(np.float32)


def test_the_network_has_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        network = InceptionNetwork()
    # torchvision states 27,161,264 for its own, with 1000 classes and an auxiliary classifier: convolutions from 768
    # to 128 and, 5 x 5, to 768 channels, each with two numbers per channel of its normalisation, and 1000 classes.
    auxiliary = 768 * 128 + 2 * 128 + 128 * 768 * 25 + 2 * 768 + 769 * 1000
    assert sum(parameter.numel() for parameter in network.parameters()) == 27_161_264 - auxiliary + 8 * 2049
    # The published file has 95,628,359 bytes, of which some ten thousands are names.
    floats = sum(value.numel() for key, value in network.state_dict().items() if not key.endswith("tracked"))
    assert 0 < 95_628_359 - 4 * floats < 100_000


def test_keys_are_those_of_the_published_file() -> None:
    with torch.device("meta"):
        shapes = {key: tuple(value.shape) for key, value in InceptionNetwork().state_dict().items()}
    expected = {
        "Conv2d_1a_3x3.conv.weight": (32, 3, 3, 3),
        "Conv2d_4a_3x3.bn.running_var": (192,),
        "Mixed_5b.branch5x5_2.conv.weight": (64, 48, 5, 5),
        "Mixed_5d.branch_pool.conv.weight": (64, 288, 1, 1),
        "Mixed_6a.branch3x3dbl_3.conv.weight": (96, 96, 3, 3),
        "Mixed_6b.branch7x7_2.conv.weight": (128, 128, 1, 7),
        "Mixed_6e.branch7x7dbl_5.conv.weight": (192, 192, 1, 7),
        "Mixed_7a.branch7x7x3_4.conv.weight": (192, 192, 3, 3),
        "Mixed_7b.branch3x3_2a.conv.weight": (384, 384, 1, 3),
        "Mixed_7c.branch3x3dbl_3b.conv.weight": (384, 384, 3, 1),
        "Mixed_7c.branch_pool.bn.bias": (192,),
        "fc.weight": (1008, 2048),
    }
    assert {key: shapes[key] for key in expected} == expected
    assert len({key.split(".")[0] for key in shapes}) == 17


def test_maps_have_the_sizes_of_the_paper() -> None:
    sizes = {}
    with torch.device("meta"):
        network = InceptionNetwork().eval()
        for name, block in network.named_children():
            block.register_forward_hook(lambda _, __, maps, name=name: sizes.update({name: tuple(maps.shape[1:])}))
        network(torch.empty(1, 3, 299, 299))
    expected = {
        "Conv2d_1a_3x3": (32, 149, 149),
        "Conv2d_2a_3x3": (32, 147, 147),
        "Conv2d_2b_3x3": (64, 147, 147),
        "Conv2d_4a_3x3": (192, 71, 71),
        "Mixed_5b": (256, 35, 35),
        "Mixed_5d": (288, 35, 35),
        "Mixed_6e": (768, 17, 17),
        "Mixed_7a": (1280, 8, 8),
        "Mixed_7c": (2048, 8, 8),
    }
    assert {name: sizes[name] for name in expected} == expected


def test_pools_leave_the_padding_out_and_the_last_takes_the_maximum() -> None:
    with torch.device("meta"):
        network = InceptionNetwork()
    ones = torch.ones(1, 1, 5, 5)
    assert torch.equal(network.Mixed_6b.pool_3(ones), ones)
    ones[0, 0, 2, 2] = 9
    assert network.Mixed_7b.pool_3(ones)[0, 0, 2, 2] == pytest.approx(17 / 9)
    assert network.Mixed_7c.pool_3(ones)[0, 0, 2, 2] == 9


def tensorflow_1(image: np.ndarray, side: int) -> np.ndarray:
    """`tf.image.resize_bilinear` of a picture `(H, W)`, pixel by pixel."""
    result = np.zeros((side, side))
    for row in range(side):
        for column in range(side):
            y, x = row * image.shape[0] / side, column * image.shape[1] / side
            top, left = math.floor(y), math.floor(x)
            bottom, right = min(top + 1, image.shape[0] - 1), min(left + 1, image.shape[1] - 1)
            above = image[top, left] + (image[top, right] - image[top, left]) * (x - left)
            below = image[bottom, left] + (image[bottom, right] - image[bottom, left]) * (x - left)
            result[row, column] = above + (below - above) * (y - top)
    return result


@pytest.mark.parametrize("shape", [(5, 9), (31, 13), (13, 13)])
def test_resizing_is_that_of_tensorflow_1(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).uniform(0, 255, shape)
    resized = resize_as_tensorflow_1(torch.from_numpy(image).float()[None, None], 13)[0, 0].numpy()
    np.testing.assert_allclose(resized, tensorflow_1(image, 13), atol=1e-3)


def test_grey_values_are_rounded_to_8_bits_and_centred_at_128() -> None:
    values = torch.tensor([-1, -0.9999, 0.0, 1.0])
    inputs = as_graph_input(values.view(4, 1, 1).expand(4, 2, 2))
    assert inputs.shape == (4, 3, 299, 299)
    assert inputs[:, 0, 7, 7].tolist() == [-1, -1, 0, 127 / 128]


def test_features_and_probabilities_of_grey_colour_and_other_channels(extractor: InceptionV3) -> None:
    two = images(2)
    features = extractor(two)
    assert features.shape == (1, 2 * 2048)
    assert features.dtype == np.float64
    assert features.std() > 0.01
    np.testing.assert_array_equal(features[:, 2048:], extractor(two[:, 1:]))
    colour = np.repeat(two[:, 1:], 3, axis=1)
    np.testing.assert_array_equal(extractor(colour), extractor(two[:, 1:]))
    probabilities = extractor.probabilities(two)
    assert probabilities.shape == (1, 1008)
    assert probabilities.sum() == pytest.approx(1)


def test_probabilities_leave_the_bias_out_as_the_published_score_does(extractor: InceptionV3, weights: str) -> None:
    grey = images(1)
    logits = extractor(grey) @ torch.load(weights)["fc.weight"].double().numpy().T
    expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    np.testing.assert_allclose(extractor.probabilities(grey), expected, rtol=1e-3, atol=1e-9)


def test_the_default_accepts_the_published_file_alone(weights: str) -> None:
    extractor = InceptionV3(spatial_dims=2, weights=weights)
    assert extractor.name == "inception_v3"
    with pytest.raises(ConfigError, match=f"not {INCEPTION.sha256}"):
        extractor(images(1))


def test_torchvisions_own_weights_are_refused(tmp_path: Path, weights: str) -> None:
    state = torch.load(weights)
    state["fc.weight"], state["fc.bias"] = state["fc.weight"][:1000], state["fc.bias"][:1000]
    torch.save(state, tmp_path / "torchvision.pth")
    extractor = InceptionV3(spatial_dims=2, weights=str(tmp_path / "torchvision.pth"), sha256=None)
    with pytest.raises(ConfigError, match=r"holds another network: it has fc.weight of shape \(1000, 2048\)"):
        extractor(images(1))


def test_volumes_are_refused_before_weights_are_looked_for() -> None:
    with pytest.raises(ConfigError, match="these are volumes: use medicalnet50"):
        InceptionV3(spatial_dims=3)
    with pytest.raises(ConfigError, match="needs weights, and has none. Get pt_inception.* from https://github.com"):
        InceptionV3(spatial_dims=2)
