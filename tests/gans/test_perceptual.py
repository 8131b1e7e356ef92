"""The perceptual loss, with random weights in torchvision's layout."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from synthtrial.errors import ConfigError
from synthtrial.gans.perceptual import CONVOLUTIONS_PER_BLOCK, PerceptualLoss, as_photographs, vgg_layers

CONVOLUTION_KEYS = {
    "vgg16": [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28],
    "vgg19": [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34],
}
"""Positions of the convolutions within `features`, as torchvision has them."""


def write_weights(folder: Path, name: str) -> Path:
    """A file as `torch.save(torchvision.models.vgg16().state_dict())` writes it, but for a smaller classifier."""
    torch.manual_seed(0)
    with torch.device("meta"):
        shapes = nn.Sequential(*vgg_layers(CONVOLUTIONS_PER_BLOCK[name]).values()).state_dict()
    state: dict[str, Tensor] = {"classifier.0.weight": torch.zeros(2, 2)}
    for key, value in shapes.items():
        fan_in = value[0].numel() if value.dim() > 1 else 0
        state[f"features.{key}"] = (
            torch.randn(value.shape) * (2 / fan_in) ** 0.5 if fan_in else torch.zeros(value.shape)
        )
    path = folder / f"{name}.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def vgg16(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights"), "vgg16")


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_layers_lie_where_torchvision_has_them(name: str) -> None:
    layers = list(vgg_layers(CONVOLUTIONS_PER_BLOCK[name]).values())
    assert [i for i, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)] == CONVOLUTION_KEYS[name]


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_equal_images_have_no_loss_and_others_more_the_more_they_differ(vgg16: Path, channels: int) -> None:
    torch.manual_seed(0)
    loss = PerceptualLoss(vgg16, layers=["relu1_2", "relu2_2"])
    image, noise = torch.rand(2, channels, 16, 16) * 2 - 1, torch.randn(2, channels, 16, 16)
    values = [loss(image, image + strength * noise).item() for strength in (0, 0.1, 1)]
    assert values[0] == 0
    assert sorted(set(values)) == values


def test_gradients_reach_the_images_and_no_weight(vgg16: Path) -> None:
    loss = PerceptualLoss(vgg16)
    image = torch.rand(1, 1, 16, 16, requires_grad=True)
    loss(image, torch.rand(1, 1, 16, 16)).backward()
    assert image.grad is not None
    assert image.grad.abs().sum() > 0
    assert loss._stages is not None
    assert not any(weight.requires_grad for weight in loss._stages.parameters())


def test_the_stages_in_a_row_are_the_network_up_to_the_last_layer(vgg16: Path) -> None:
    image = torch.rand(1, 3, 16, 16)
    few, many = (PerceptualLoss(vgg16, layers=layers) for layers in (["relu3_3"], ["relu1_1", "relu2_1", "relu3_3"]))
    outputs = []
    for loss in (few, many):
        x = image
        for stage in loss.read_stages():
            x = stage(x)
        outputs.append(x)
    assert torch.equal(*outputs)


def test_vgg19_is_known_by_its_keys(tmp_path: Path) -> None:
    loss = PerceptualLoss(write_weights(tmp_path, "vgg19"), layers=["relu5_4"])
    assert loss(torch.zeros(1, 3, 32, 32), torch.ones(1, 3, 32, 32)).isfinite()


def test_grey_is_the_same_grey_in_all_three_colours() -> None:
    grey = torch.full((1, 1, 2, 2), 0.2)
    torch.testing.assert_close(as_photographs(grey), as_photographs(grey.expand(-1, 3, -1, -1)))


def test_the_mean_photograph_is_zero() -> None:
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1) * 2 - 1
    torch.testing.assert_close(as_photographs(mean.expand(1, 3, 2, 2)), torch.zeros(1, 3, 2, 2))


def test_nothing_is_read_before_it_is_needed(tmp_path: Path) -> None:
    loss = PerceptualLoss(tmp_path / "missing.pth")
    with pytest.raises(ConfigError, match="can't read .*missing.pth"):
        loss(torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 16))


def test_what_is_no_vgg_is_refused(tmp_path: Path, vgg16: Path) -> None:
    images = torch.zeros(1, 3, 16, 16)
    torch.save({"features.0.weight": torch.zeros(8, 3, 3, 3)}, tmp_path / "other.pth")
    with pytest.raises(ConfigError, match="neither torchvision's vgg16 nor its vgg19"):
        PerceptualLoss(tmp_path / "other.pth")(images, images)
    (tmp_path / "text.pth").write_text("not a tensor", encoding="utf-8")
    with pytest.raises(ConfigError, match="can't read"):
        PerceptualLoss(tmp_path / "text.pth")(images, images)
    with pytest.raises(ConfigError, match="no layer relu3_4 .* it has relu1_1, relu1_2"):
        PerceptualLoss(vgg16, layers=["relu3_4"])(images, images)
    with pytest.raises(ConfigError, match="2D images"):
        PerceptualLoss(vgg16)(torch.zeros(1, 1, 8, 8, 8), torch.zeros(1, 1, 8, 8, 8))
