"""Published networks as bodies of a classifier: EfficientNet, DenseNet-121 and Inception V3.

Those with weights of photographs get what they learned from: three channels, of which grey images fill all, on
ImageNet's scale. With a random start they take the cohort's images as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import torch
from monai.networks.nets import DenseNet121 as MonaiDenseNet121
from monai.networks.nets import EfficientNetBN
from torch import nn

from synthtrial.classification.body import Body, check_colours, check_plane
from synthtrial.fidelity.features.inception import INCEPTION, as_graph_input
from synthtrial.fidelity.features.inception_network import FEATURES, InceptionNetwork
from synthtrial.fidelity.features.weights import PublishedWeights

EFFICIENTNETS = {
    "b0": "355c32eb",
    "b1": "f1951068",
    "b2": "8bb594d6",
    "b3": "5fb5a3c3",
    "b4": "6ed6700e",
    "b5": "b6417697",
}
"""Versions, and the digits in the names of their files, which stand for their checksums."""

DENSENET = PublishedWeights(
    network="DenseNet-121 of ImageNet",
    file="densenet121-a639ec97.pth",
    url="https://download.pytorch.org/models/densenet121-a639ec97.pth",
    sha256="a639ec97",
)


class EfficientNet(Body):
    """EfficientNet (Tan and Le 2019, arXiv 1905.11946) of MONAI, up to its pooled features.

    Its padding is that of the version's own image size (224 pixels for b0, 456 for b5), whatever size comes in.

    Args:
        spatial_dims: 2 or 3.
        channels: channels of the images.
        shape: of the images; sides of 32 or more.
        pretrained: whether weights come from a file; in 2D the network then takes three channels.
        version: `b0` to `b5`, from small to large.

    Raises:
        ConfigError: for pretrained weights and other than one or three channels, in 2D.
    """

    left_out = ("_fc.",)

    def __init__(
        self,
        *,
        spatial_dims: int,
        channels: int,
        shape: Sequence[int],
        pretrained: bool = False,
        version: Literal["b0", "b1", "b2", "b3", "b4", "b5"] = "b0",
    ) -> None:
        super().__init__()
        self.photographs = pretrained and spatial_dims == 2
        if self.photographs:
            check_colours(channels, f"EfficientNet-{version.upper()}")
            self.published = _efficientnet_file(version)
        network: Any = EfficientNetBN(
            f"efficientnet-{version}",
            pretrained=False,
            spatial_dims=spatial_dims,
            in_channels=3 if self.photographs else channels,
            num_classes=1,
        )
        self.features = network._fc.in_features
        network._fc = network._dropout = nn.Identity()  # the head drops and answers
        self.network = network

    def keys_in_file(self, key: str) -> list[str]:
        """The file numbers all blocks through; MONAI names the stage before."""
        return [re.sub(r"^_blocks\.\d+\.", "_blocks.", key)]


class DenseNet121(Body):
    """DenseNet-121 (Huang et al. 2017, arXiv 1608.06993) of MONAI, up to its pooled features.

    Args:
        spatial_dims: 2 or 3.
        channels: channels of the images.
        shape: of the images; sides of 32 or more.
        pretrained: whether weights come from a file; in 2D the network then takes three channels.

    Raises:
        ConfigError: for pretrained weights and other than one or three channels, in 2D.
    """

    left_out = ("classifier.", "class_layers.")

    def __init__(self, *, spatial_dims: int, channels: int, shape: Sequence[int], pretrained: bool = False) -> None:
        super().__init__()
        self.photographs = pretrained and spatial_dims == 2
        if self.photographs:
            check_colours(channels, "DenseNet121")
            self.published = DENSENET
        in_channels = 3 if self.photographs else channels
        network: Any = MonaiDenseNet121(spatial_dims=spatial_dims, in_channels=in_channels, out_channels=1)
        self.features = network.class_layers.out.in_features
        network.class_layers.out = nn.Identity()
        self.network = network

    def keys_in_file(self, key: str) -> list[str]:
        """torchvision's names, of which the older files have a dot before the number."""
        name = key.replace(".layers.", ".")
        return [name, re.sub(r"(denselayer\d+\.(?:norm|conv))([12])\.", r"\1.\2.", name)]


class InceptionV3(Body):
    """FID's Inception network (Szegedy et al. 2016, arXiv 1512.00567), up to its pooled features.

    Its weights are those of TensorFlow's graph of 2015, which also learned from ImageNet, and differ from those in
    Keras or torchvision. Images are resized to 299 x 299 pixels as that graph does.

    Args:
        spatial_dims: must be 2.
        channels: 1 or 3; grey images fill three channels, with a random start, too.
        shape: of the images; any.
        pretrained: whether weights come from a file.

    Raises:
        ConfigError: for volumes, and other than one or three channels.
    """

    published = INCEPTION
    left_out = ("fc.",)

    def __init__(self, *, spatial_dims: int, channels: int, shape: Sequence[int], pretrained: bool = False) -> None:
        super().__init__()
        check_plane(spatial_dims, "InceptionV3")
        check_colours(channels, "InceptionV3")
        network = InceptionNetwork()
        del network.fc
        self.network, self.features = network, FEATURES

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Features of images."""
        return self.network(torch.cat([as_graph_input(image) for image in images]))


def _efficientnet_file(version: str) -> PublishedWeights:
    file = f"efficientnet-{version}-{EFFICIENTNETS[version]}.pth"
    return PublishedWeights(
        network=f"EfficientNet-{version.upper()} of ImageNet",
        file=file,
        url=f"https://github.com/lukemelas/EfficientNet-PyTorch/releases/download/1.0/{file}",
        sha256=EFFICIENTNETS[version],
    )
