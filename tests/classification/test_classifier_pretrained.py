"""Weights of a file reach the body, whatever the file calls them; a wrong file is refused; a frozen body stays."""

from __future__ import annotations

import re

import pytest
import torch
from labelled_cases import CHANGED, CLASSES, CPU, SMALL, labelled, network
from safetensors.torch import load_file, save_file

from synthtrial.classification.bodies import DenseNet121, EfficientNet, InceptionV3
from synthtrial.classification.network import build_network
from synthtrial.classification.settings import read_classifier
from synthtrial.classification.small_cnn import SmallCNN
from synthtrial.classification.training import fit
from synthtrial.errors import ConfigError

B0 = {"_target_": "synthtrial.classification.bodies.EfficientNet", "version": "b0"}
DENSE = {"_target_": "synthtrial.classification.bodies.DenseNet121"}
INCEPTION = {"_target_": "synthtrial.classification.bodies.InceptionV3"}


def started(body, path, shape=(32, 32), channels=1, freeze=True):
    pretrained = {"weights": str(path), "download": False, "sha256": None}
    read = read_classifier(network(body=body, pretrained=pretrained, freeze=freeze), "x")
    return build_network(read, spatial_dims=len(shape), channels=channels, shape=shape, seed=1)


def holds(net, source) -> bool:
    found = net.body.network.state_dict()
    return all(torch.equal(found[key], value) for key, value in source.network.state_dict().items())


def published_efficientnet(state):
    return {re.sub(r"^_blocks\.\d+\.", "_blocks.", key): value for key, value in state.items()}


def old_torchvision(state):
    """As `densenet121-a639ec97.pth` names them, without the counters that it lacks."""
    names = {key: re.sub(r"\.layers\.(norm|conv)(\d)\.", r".\1.\2.", key) for key in state}
    return {names[key]: value for key, value in state.items() if "num_batches" not in key}


@pytest.mark.parametrize(
    ("body", "make", "renamed", "classifier"),
    [
        (B0, EfficientNet, published_efficientnet, "_fc"),
        (B0, EfficientNet, dict, "_fc"),
        (DENSE, DenseNet121, old_torchvision, "classifier"),
        (INCEPTION, InceptionV3, dict, "fc"),
    ],
)
def test_published_weights_are_read_and_their_classifier_is_left_out(tmp_path, body, make, renamed, classifier):
    torch.manual_seed(0)
    source = make(spatial_dims=2, channels=3, shape=(32, 32))
    state = renamed(source.network.state_dict()) | {f"{classifier}.weight": torch.zeros(1000, source.features)}
    torch.save(state, tmp_path / "weights.pth")
    assert holds(started(body, tmp_path / "weights.pth"), source)  # grey images, three channels in the file


def test_safetensors_of_volumes_are_read(tmp_path):
    source = SmallCNN(spatial_dims=3, channels=2, shape=(16, 16, 16), filters=[4, 8])
    save_file(source.network.state_dict(), tmp_path / "own.safetensors")
    assert holds(started(SMALL, tmp_path / "own.safetensors", (16, 16, 16), channels=2), source)


def test_grey_images_look_as_colour_images_without_colour(tmp_path):
    save_file(EfficientNet(spatial_dims=2, channels=3, shape=(32, 32)).network.state_dict(), tmp_path / "w.safetensors")
    net = started(B0, tmp_path / "w.safetensors").eval()
    grey = torch.rand(2, 1, 32, 32) * 2 - 1
    assert torch.allclose(net(grey), net(grey.expand(-1, 3, -1, -1)), atol=1e-6)


def test_weights_of_another_network_are_refused_and_named(tmp_path):
    source = DenseNet121(spatial_dims=2, channels=3, shape=(32, 32))
    save_file(source.network.state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(ConfigError, match="another network than EfficientNet: it lacks _conv_stem.weight.* more"):
        started(B0, tmp_path / "w.safetensors")


def test_weights_of_other_channels_are_refused(tmp_path):
    save_file(EfficientNet(spatial_dims=2, channels=1, shape=(32, 32)).network.state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(ConfigError, match=r"_conv_stem.weight of shape \(32, 1, 3, 3\), not \(32, 3, 3, 3\)"):
        started(B0, tmp_path / "w.safetensors")


def test_a_file_that_is_missing_or_altered_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="there is no file of weights .*`pretrained: null`"):
        started(B0, tmp_path / "none.pth")
    save_file({"a": torch.zeros(1)}, tmp_path / "w.safetensors")
    pretrained = {"weights": str(tmp_path / "w.safetensors"), "download": False, "sha256": "0" * 8}
    read = read_classifier(network(body=B0, pretrained=pretrained), "x")
    with pytest.raises(ConfigError, match="its sha256 is"):
        build_network(read, spatial_dims=2, channels=1, shape=(32, 32), seed=0)


def test_colour_networks_refuse_two_channels(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "w.safetensors")
    with pytest.raises(ConfigError, match="these have 2 channels"):
        started(B0, tmp_path / "w.safetensors", channels=2)


@pytest.mark.parametrize("augmentation", [None, CHANGED])
def test_a_frozen_body_stays_and_its_checkpoint_holds_the_head_alone(tmp_path, augmentation):
    source = SmallCNN(spatial_dims=2, channels=1, shape=(16, 16), filters=[4, 8])
    save_file(source.network.state_dict(), tmp_path / "w.safetensors")
    pretrained = {"weights": str(tmp_path / "w.safetensors"), "download": False}
    settings = network(pretrained=pretrained, freeze=True, steps=40, lr=0.01)
    if augmentation:
        settings["train"] |= {"augmentation": augmentation}
    cases, folder = labelled(12), tmp_path / "model"

    def run():
        return fit(
            cases,
            cases[:4],
            classes=CLASSES,
            channels=1,
            spatial_dims=2,
            settings=settings,
            trainer=CPU,
            seed=0,
            checkpoint=folder,
        )

    fitted = run()
    assert holds(fitted.model.network, source)
    assert fitted.curve[-1]["loss"] < fitted.curve[0]["loss"]
    assert all(not key.startswith("body") for key in load_file(folder / "weights.safetensors"))
    assert run().probabilities(cases).tolist() == fitted.probabilities(cases).tolist()


def test_a_frozen_body_is_never_in_training_mode(tmp_path):
    save_file(EfficientNet(spatial_dims=2, channels=3, shape=(32, 32)).network.state_dict(), tmp_path / "w.safetensors")
    net = started(B0, tmp_path / "w.safetensors").train()
    assert net.head.training and not any(part.training for part in net.body.modules())
    assert not any(weights.requires_grad for weights in net.body.parameters())
