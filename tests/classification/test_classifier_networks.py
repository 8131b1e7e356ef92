"""The networks of classifiers: any size, grey or colour, 2D or 3D, and parameter counts of the published ones."""

from __future__ import annotations

import pytest
import torch
from labelled_cases import SMALL, network

from synthtrial.classification.network import build_network, check_shape
from synthtrial.classification.settings import read_classifier
from synthtrial.errors import ConfigError

BODIES = "synthtrial.classification.bodies."


def built(body, shape, channels=1, seed=0, **settings):
    read = read_classifier(network(body=body, **settings), "x")
    return build_network(read, spatial_dims=len(shape), channels=channels, shape=shape, seed=seed)


def parameters(module) -> int:
    return sum(weights.numel() for weights in module.parameters())


@pytest.mark.parametrize(
    ("body", "shape", "channels"),
    [
        (SMALL, (16, 16), 1),
        (SMALL, (17, 40), 3),
        (SMALL, (16, 20, 24), 2),
        ({"_target_": BODIES + "EfficientNet", "version": "b0"}, (32, 32), 1),
        ({"_target_": BODIES + "EfficientNet", "version": "b0"}, (32, 32, 32), 2),
        ({"_target_": BODIES + "DenseNet121"}, (32, 48), 3),
        ({"_target_": BODIES + "DenseNet121"}, (32, 32, 32), 1),
    ],
)
def test_an_image_gets_one_logit(body, shape, channels):
    net = built(body, shape, channels).eval()
    images = torch.randn(2, channels, *shape)
    assert net(images).shape == (2, 1)
    check_shape(net, channels, shape, batch_size=2)
    assert net.body(images).shape == (2, net.body.features)


def test_the_studys_cnn_has_three_convolutions_three_poolings_and_one_hidden_layer():
    body = SMALL | {"filters": [32, 64, 128]}
    net = built(body, (140, 140), channels=3, hidden=128)
    convolutions = (3 * 9 * 32 + 32) + (32 * 9 * 64 + 64) + (64 * 9 * 128 + 128)
    assert parameters(net) == convolutions + (17 * 17 * 128 * 128 + 128) + (128 + 1)
    assert [type(layer).__name__ for layer in net.body.network].count("MaxPool2d") == 3


def test_efficientnet_and_densenet_are_the_published_ones():
    b0 = built({"_target_": BODIES + "EfficientNet", "version": "b0"}, (32, 32), channels=3)
    dense = built({"_target_": BODIES + "DenseNet121"}, (32, 32), channels=3)
    # Of ImageNet's 5,288,548 and 7,978,856 without their 1000 answers.
    assert parameters(b0.body) == 5_288_548 - 1281 * 1000
    assert parameters(dense.body) == 7_978_856 - 1025 * 1000


def test_inception_takes_grey_and_colour_of_any_size():
    net = built({"_target_": BODIES + "InceptionV3"}, (16, 20)).eval()
    grey = torch.rand(1, 1, 16, 20) * 2 - 1
    with torch.no_grad():
        assert torch.equal(net(grey), net(grey.expand(-1, 3, -1, -1)))


def test_inception_refuses_volumes_and_five_channels():
    body = {"_target_": BODIES + "InceptionV3"}
    with pytest.raises(ConfigError, match="2D images, and these are volumes"):
        built(body, (16, 16, 16))
    with pytest.raises(ConfigError, match="these have 5 channels"):
        built(body, (16, 16), channels=5)


def test_the_seed_alone_decides_the_first_weights():
    def weights(seed):
        return torch.cat([w.ravel() for w in built(SMALL, (16, 16), seed=seed).parameters()])

    state = torch.get_rng_state()
    assert torch.equal(weights(0), weights(0)) and not torch.equal(weights(0), weights(1))
    assert torch.equal(torch.get_rng_state(), state)


def test_images_that_are_too_small_are_refused():
    with pytest.raises(ConfigError, match="15x16: each side must be at least 16"):
        built(SMALL, (15, 16))
    dense = built({"_target_": BODIES + "DenseNet121"}, (16, 16))
    with pytest.raises(ConfigError, match="DenseNet121 can't work on 1 channels of 16x16"):
        check_shape(dense, 1, (16, 16), batch_size=4)


def test_a_batch_of_one_that_leaves_nothing_to_normalise_is_refused():
    net = built({"_target_": BODIES + "EfficientNet", "version": "b0"}, (32, 32))
    before = {key: value.clone() for key, value in net.state_dict().items()}
    check_shape(net, 1, (32, 32), batch_size=2)
    with pytest.raises(ConfigError, match="batch_size"):
        check_shape(net, 1, (32, 32), batch_size=1)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_a_target_that_is_no_body_is_refused():
    with pytest.raises(ConfigError, match="no body of a classifier"):
        built({"_target_": "labelled_cases.NoBody"}, (16, 16))
