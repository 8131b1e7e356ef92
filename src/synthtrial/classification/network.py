"""Building the network of a classifier for a cohort, and checking that it takes the cohort's images."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from synthtrial.classification.body import Body
from synthtrial.classification.pretrained import find_weights, take_weights
from synthtrial.classification.settings import NetworkSettings, PartsSettings
from synthtrial.errors import ConfigError
from synthtrial.params import build


class Classifier(nn.Module):
    """A body and a head: images `(B, C, *S)` to logits `(B, 1)` of the positive class.

    Args:
        body: makes the features.
        head: answers from them.
        frozen: whether the body stays as it is, and in evaluation mode while the head is trained.
    """

    def __init__(self, body: Body, head: nn.Module, frozen: bool) -> None:
        super().__init__()
        self.body, self.head, self.frozen = body, head, frozen
        if frozen:
            body.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> Tensor:
        """Logits of images."""
        return self.head(self.body(images))

    def train(self, mode: bool = True) -> Classifier:
        """Switch between training and evaluation; a frozen body stays in evaluation."""
        super().train(mode)
        if self.frozen:
            self.body.eval()
        return self

    @property
    def learned(self) -> nn.Module:
        """The part that a training changes, so that a checkpoint holds it and no more."""
        return self.head if self.frozen else self


def build_network(
    settings: NetworkSettings, *, spatial_dims: int, channels: int, shape: tuple[int, ...], seed: int
) -> Classifier:
    """Build a classifier, with initial weights that depend on the seed and on the file of weights alone.

    Args:
        settings: of the classifier.
        spatial_dims: 2 or 3.
        channels: channels of the images.
        shape: of the images, without channels.
        seed: seed of the initial weights.

    Raises:
        ConfigError: when the body refuses its arguments or the images, or the weights are not what they should be.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = _bare_network(settings, spatial_dims, channels, shape)
    if settings.pretrained is not None:
        take_weights(network.body, settings.pretrained)
    return network


def check_network(
    settings: NetworkSettings, place: str, *, spatial_dims: int, channels: int, shape: tuple[int, ...]
) -> None:
    """Raise a ConfigError for what `build_network` and `check_shape` would refuse, without reading any weights.

    Args:
        settings: of the classifier that stands at `place`.
        place: for messages.
        spatial_dims: 2 or 3.
        channels: channels of the images.
        shape: of the images, without channels.
    """
    try:
        with torch.device("meta"), torch.random.fork_rng():
            network = _bare_network(settings, spatial_dims, channels, shape)
        if settings.pretrained is not None:
            find_weights(network.body, settings.pretrained)
        check_shape(network, channels, shape, settings.train.batch_size)
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from error


def check_shape(network: Classifier, channels: int, shape: tuple[int, ...], batch_size: int) -> None:
    """Raise a ConfigError unless a network can be trained on batches `(batch_size, channels, *shape)`."""
    trial = deepcopy(network).to("meta")  # computes shapes and nothing else, and leaves running means alone
    name, size = type(network.body).__name__, "x".join(map(str, shape))
    try:
        with torch.random.fork_rng(), torch.no_grad():
            images = torch.zeros(min(batch_size, 2), channels, *shape, device="meta")
            trial.eval()(images)
            if batch_size == 1:
                trial.train()(images)
    except (RuntimeError, ValueError) as error:
        advice = "change prepare.shape, train.batch_size (1 leaves some networks nothing to normalise) or the network"
        raise ConfigError(f"{name} can't work on {channels} channels of {size}: {error}; {advice}") from error


def _bare_network(settings: NetworkSettings, spatial_dims: int, channels: int, shape: tuple[int, ...]) -> Classifier:
    body_settings = dict(settings.network.body)
    name = body_settings.get("_target_")
    pretrained = settings.pretrained is not None
    try:
        body = build(body_settings, spatial_dims=spatial_dims, channels=channels, shape=shape, pretrained=pretrained)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the network {name} can't be built: {error}") from error
    if not isinstance(body, Body):
        raise ConfigError(f"the network {name} is no body of a classifier; take one of synthtrial.classification")
    return Classifier(body, _head(body.features, settings.network), settings.freeze)


def _head(features: int, parts: PartsSettings) -> nn.Sequential:
    hidden = [] if parts.hidden is None else [nn.Linear(features, parts.hidden), nn.ReLU()]
    return nn.Sequential(*hidden, nn.Dropout(parts.dropout), nn.Linear(parts.hidden or features, 1))
