"""What a classifier's body is: the part of a network that makes features of an image."""

from __future__ import annotations

import torch
from torch import nn

from synthtrial.errors import ConfigError
from synthtrial.fidelity.features.weights import PublishedWeights
from synthtrial.gans.perceptual import as_photographs


class Body(nn.Module):
    """Turns images `(B, C, *S)` in [-1, 1] into features `(B, features)`.

    A body is built with the keyword arguments `spatial_dims`, `channels`, `shape` (of the images, without channels) and
    `pretrained` (whether `network` gets the weights of a file), and its own.

    Attributes:
        network: what weights are read into.
        features: number of features.
        photographs: whether it is shown what weights of photographs have learned from: see `as_photographs`.
        published: the file of weights that this network is known by; None without one.
        left_out: beginnings of the keys that a file of weights may have beside the body's: those of its classifier.
    """

    network: nn.Module
    features: int
    photographs: bool = False
    published: PublishedWeights | None = None
    left_out: tuple[str, ...] = ()

    def keys_in_file(self, key: str) -> list[str]:
        """What a key of `network`'s weights may be called in a file, beside its own name."""
        return []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Features of images."""
        return self.network(as_photographs(images) if self.photographs else images)


def check_colours(channels: int, name: str) -> None:
    """Raise a ConfigError unless images can be shown to a network that knows colour photographs."""
    if channels not in (1, 3):
        raise ConfigError(
            f"{name} knows colour photographs and takes grey images, too, but these have {channels} channels: prepare "
            "1 or 3, or take a network with a random start, such as efficientnet_b0"
        )


def check_plane(spatial_dims: int, name: str) -> None:
    """Raise a ConfigError unless images are 2D."""
    if spatial_dims != 2:
        raise ConfigError(f"{name} looks at 2D images, and these are volumes: use cnn, densenet121 or efficientnet_b0")
