"""A perceptual loss: distance in the features of a VGG network that was trained to classify photographs.

The features are those of Simonyan and Zisserman 2015 (arXiv 1409.1556), the distance is equation 1 of Zhang et al. 2018
(arXiv 1801.03924) with all channels weighted alike. Weights come from a local file; nothing is downloaded.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthtrial.errors import ConfigError

CONVOLUTIONS_PER_BLOCK = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
CHANNELS = (64, 128, 256, 512, 512)
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue, on a scale from 0 to 1."""


class PerceptualLoss:
    """How different two batches of 2D images look to VGG16 or VGG19.

    Images of three channels are taken as colour; of any other number, every channel is taken as a grey image of its
    own. The network is frozen and no part of a generator, so it is not an `nn.Module`, and no checkpoint holds it. The
    file is read when the loss is first asked for, so that a trained generator can be used without it.

    Args:
        weights_path: file with the state dict of torchvision's `vgg16` or `vgg19`; which of them is seen from its keys.
        layers: activations that are compared, `relu{block}_{number}`.

    Raises:
        ConfigError: at the first call, when the file can't be read, holds another network, or lacks a layer.
    """

    def __init__(
        self, weights_path: str | Path, layers: Sequence[str] = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
    ) -> None:
        self.weights_path = Path(weights_path)
        self.layers = tuple(layers)
        self._stages: nn.ModuleList | None = None

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Squared distance of the features' directions in channel space, averaged over positions, summed over layers.

        Args:
            first: images `(B, C, H, W)` in [-1, 1].
            second: as many, which they are compared with one by one.
        """
        if self._stages is None:
            self._stages = self.read_stages()
        first, second = as_photographs(first), as_photographs(second)
        distances = []
        for stage in self._stages.to(first.device):
            first, second = stage(first), stage(second)
            difference = F.normalize(first.float(), dim=1) - F.normalize(second.float(), dim=1)
            distances.append(difference.square().sum(1).mean())
        return torch.stack(distances).sum()

    def read_stages(self) -> nn.ModuleList:
        """The network in pieces, each ending at one of the layers."""
        names, network = read_vgg(self.weights_path)
        unknown = [layer for layer in self.layers if layer not in names]
        if unknown or not self.layers:
            known = ", ".join(name for name in names if name.startswith("relu"))
            raise ConfigError(f"perceptual loss: no layer {', '.join(unknown)} in {self.weights_path}; it has {known}")
        ends = sorted(names.index(layer) + 1 for layer in set(self.layers))
        starts = [0, *ends[:-1]]
        return nn.ModuleList(network[start:end] for start, end in zip(starts, ends, strict=True))


def as_photographs(images: Tensor) -> Tensor:
    """Images `(B, C, H, W)` in [-1, 1] as `(B or B*C, 3, H, W)` on the scale that VGG was trained with."""
    if images.dim() != 4:
        raise ConfigError("the perceptual loss compares 2D images: it can't be used with spatial_dims=3")
    if images.shape[1] != 3:
        images = images.flatten(0, 1).unsqueeze(1).expand(-1, 3, -1, -1)
    mean, deviation = (images.new_tensor(values).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
    return ((images + 1) / 2 - mean) / deviation


def read_vgg(path: Path) -> tuple[list[str], nn.Sequential]:
    """The names and layers of the convolutional part of the VGG network in a file, frozen.

    Raises:
        ConfigError: when it holds no such network.
    """
    state = read_state(path)
    features = {key.removeprefix("features."): value for key, value in state.items() if key.startswith("features.")}
    for counts in CONVOLUTIONS_PER_BLOCK.values():
        with torch.device("meta"):
            layers = vgg_layers(counts)
            network = nn.Sequential(*layers.values())
        expected = {key: value.shape for key, value in network.state_dict().items()}
        if expected == {key: value.shape for key, value in features.items()}:
            network.load_state_dict(features, assign=True)
            return list(layers), network.eval().requires_grad_(False)
    raise ConfigError(f"{path} holds neither torchvision's vgg16 nor its vgg19: its features don't have their shapes")


def read_state(path: Path) -> dict[str, Any]:
    """A state dict from a file that may hold nothing but tensors.

    Raises:
        ConfigError: when there is none.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        raise ConfigError(f"perceptual weights: can't read {path} as a state dict saved by torch.save") from error
    if not isinstance(state, dict):
        raise ConfigError(f"perceptual weights: {path} holds no state dict, but a {type(state).__name__}")
    return state


def vgg_layers(convolutions_per_block: Sequence[int]) -> dict[str, nn.Module]:
    """Convolutions, activations and poolings by name, in the order of torchvision's `features`."""
    layers: dict[str, nn.Module] = {}
    before = 3
    for block, (count, channels) in enumerate(zip(convolutions_per_block, CHANNELS, strict=True), start=1):
        for number in range(1, count + 1):
            layers[f"conv{block}_{number}"] = nn.Conv2d(before, channels, kernel_size=3, padding=1)
            layers[f"relu{block}_{number}"] = nn.ReLU()
            before = channels
        layers[f"pool{block}"] = nn.MaxPool2d(2)
    return layers
