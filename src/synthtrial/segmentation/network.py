"""Building a segmentation network for a cohort, and checking that it takes the cohort's shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from synthtrial.errors import ConfigError
from synthtrial.params import build


def build_network(
    config: Mapping[str, Any], *, spatial_dims: int, channels: int, n_labels: int, seed: int
) -> torch.nn.Module:
    """Build the network that `config` names by `_target_`, with weights that depend on the seed alone.

    Args:
        config: `_target_` and keyword arguments, without the three sizes below.
        spatial_dims: 2 or 3.
        channels: channels of the image.
        n_labels: labels of the mask; the network has one output channel more, for the background.
        seed: seed of the initial weights.

    Returns:
        A network `(B, channels, *S) -> logits (B, 1 + n_labels, *S)`. In training, one with deep supervision, such as
        SegResNetDS, returns a list instead: these logits, and after them coarser and coarser ones.

    Raises:
        ConfigError: when the network refuses its arguments.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            return build(dict(config), spatial_dims=spatial_dims, in_channels=channels, out_channels=1 + n_labels)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"segmenter: the network {config['_target_']} can't be built: {error}") from error


def check_shape(network: torch.nn.Module, channels: int, shape: tuple[int, ...], name: str) -> None:
    """Raise a ConfigError unless the network returns logits on the grid of a `(channels, *shape)` input."""
    was_training = network.training
    network.eval()
    image = torch.zeros(1, channels, *shape, device=next(network.parameters()).device)
    try:
        with torch.no_grad():
            fits = network(image).shape[2:] == shape
    except (RuntimeError, ValueError):  # skip connections of odd sizes, or nothing left to normalise
        fits = False
    network.train(was_training)
    if not fits:
        raise ConfigError(
            f"{name} can't work on {'x'.join(map(str, shape))} voxels: each side must be a multiple of its total "
            "downsampling and larger than it; change prepare.shape, train.patch_shape or the network's depth"
        )
