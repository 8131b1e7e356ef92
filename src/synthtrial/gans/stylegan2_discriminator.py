"""The discriminator of StyleGAN2 (Karras et al. 2019, arXiv 1912.04958): residual, with minibatch deviation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from synthtrial.gans.stylegan2_layers import EqualConv, EqualLinear, MinibatchDeviation
from synthtrial.gans.stylegan2_mapping import Mapping


class ResidualBlock(nn.Module):
    """Two convolutions beside a linear skip; every axis is halved."""

    def __init__(self, dims: int, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.first = EqualConv(dims, channels_in, channels_in, kernel=3)
        self.second = EqualConv(dims, channels_in, channels_out, kernel=3, down=True)
        self.skip = EqualConv(dims, channels_in, channels_out, kernel=1, bias=False, down=True, activate=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(B, C_in, *2S)` to `(B, C_out, *S)`, of the same variance."""
        return (self.second(self.first(x)) + self.skip(x)) * math.sqrt(0.5)


class Discriminator(nn.Module):
    """Residual blocks down to the start grid, minibatch deviation, one convolution and two dense layers.

    With classes the logit is a projection: the features times a mapping of the class (Miyato and Koyama 2018,
    arXiv 1802.05637, as StyleGAN2-ADA has it).

    Args:
        grids: spatial shapes from the start grid to the image.
        channels: channels of the features at each of them.
        image_channels: channels C of the image.
        mapping_layers: layers of the mapping of the class.
        n_classes: classes that real images can be of.
        group: most samples in a group of the minibatch deviation.
    """

    def __init__(
        self,
        grids: Sequence[tuple[int, ...]],
        channels: Sequence[int],
        image_channels: int,
        *,
        mapping_layers: int,
        n_classes: int = 0,
        group: int = 4,
    ) -> None:
        super().__init__()
        dims, widths, last = len(grids[0]), channels[::-1], channels[0]
        self.from_image = EqualConv(dims, image_channels, widths[0], kernel=1)
        self.blocks = nn.Sequential(*[ResidualBlock(dims, before, after) for before, after in pairwise(widths)])
        self.deviation = MinibatchDeviation(group)
        self.conv = EqualConv(dims, last + 1, last, kernel=3)
        self.dense = EqualLinear(last * math.prod(grids[0]), last, activate=True)
        self.out = EqualLinear(last, last if n_classes else 1)
        self.mapping = Mapping(0, last, mapping_layers, n_classes) if n_classes else None

    def forward(self, image: Tensor, label: Tensor | None = None) -> Tensor:
        """Logits `(B, 1)` of images `(B, C, *spatial)`; with classes, of images and their classes."""
        x = self.deviation(self.blocks(self.from_image(image)))
        x = self.out(self.dense(self.conv(x).flatten(1)))
        if self.mapping is None:
            return x
        of_class = self.mapping(x[:, :0], label=label)
        return (x * of_class).sum(dim=1, keepdim=True) / math.sqrt(x.shape[1])
