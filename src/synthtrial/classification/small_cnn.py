"""The small convolutional network of the skin_cyclegan study."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from monai.networks.layers.factories import Conv, Pool
from torch import nn

from synthtrial.classification.body import Body
from synthtrial.errors import ConfigError

SMALLEST_SIDE = 16


class SmallCNN(Body):
    """Convolutions that keep the size, each with a rectifier and a max-pooling that halves it; then flattened.

    With three of them and one hidden layer in the head this is the study's CNN, in 2D or 3D.

    Args:
        spatial_dims: 2 or 3.
        channels: channels of the images.
        shape: of the images, without channels; sides of 16 or more.
        pretrained: of no meaning here: its weights come in a file of this very network, or are random.
        filters: feature maps of each convolution.
        kernel: side of the convolutions; odd.

    Raises:
        ConfigError: for images that are too small, or an even kernel.
    """

    def __init__(
        self,
        *,
        spatial_dims: int,
        channels: int,
        shape: Sequence[int],
        pretrained: bool = False,
        filters: Sequence[int] = (32, 64, 128),
        kernel: int = 3,
    ) -> None:
        super().__init__()
        smallest = max(SMALLEST_SIDE, 2 ** len(filters))
        if min(shape) < smallest:
            shown = "x".join(map(str, shape))
            raise ConfigError(f"SmallCNN can't work on images of {shown}: each side must be at least {smallest}")
        if kernel % 2 == 0 or not filters:
            raise ConfigError(f"SmallCNN needs an odd kernel and some filters, not {kernel} and {list(filters)}")
        convolution, pooling = Conv["conv", spatial_dims], Pool["max", spatial_dims]
        layers: list[nn.Module] = []
        for before, after in pairwise([channels, *filters]):
            layers += [convolution(before, after, kernel, padding=kernel // 2), nn.ReLU(), pooling(2)]
        self.network = nn.Sequential(*layers, nn.Flatten())
        self.features = filters[-1] * prod(side // 2 ** len(filters) for side in shape)
