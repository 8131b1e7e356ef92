"""A small convolutional autoencoder of one-channel images; its encoder makes the features of `study_encoder`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from synthtrial.gans.layers import CONVOLUTIONS, TRANSPOSED

TEXTURE_SOFTNESS = 0.02
"""Differences to the neighbourhood well below it count linearly, above it logarithmically; units of [-1, 1]."""

TEXTURE_WEIGHT = 0.3
"""Brings texture to about the range of grey values."""

ACTIVATION_SOFTNESS = 0.1
"""The same for activations, in standard deviations of their channel."""

SLOPE = 0.1
"""Slope of the leaky rectifiers below zero."""


class Autoencoder(nn.Module):
    """Squeezes an image and its texture to an eighth of its edge (with four levels), and rebuilds both from that alone.

    The encoder has one 3 x 3 (x 3) convolution per level; each level but the first halves the grid, each but the first
    doubles the channels. The decoder is as weak as can be, so that what is known must be known by the encoder: one
    linear map per voxel and level, each voxel to the 2 x 2 (x 2) below it, with leaky rectifiers between.

    Args:
        spatial_dims: 2 or 3.
        width: channels of the first level.
        levels: number of levels.
        generator: draws the initial weights (He et al. 2015, arXiv 1502.01852, eq. 15).
    """

    def __init__(self, spatial_dims: int, width: int, levels: int, generator: torch.Generator) -> None:
        super().__init__()
        self.spatial_dims = spatial_dims
        convolution, transposed = CONVOLUTIONS[spatial_dims], TRANSPOSED[spatial_dims]
        channels = [2] + [width * 2**level for level in range(levels)]
        # Layers draw weights from torch's global generator as they are made; here they must leave it as it was.
        with torch.random.fork_rng(devices=[]):
            self.encoder = nn.ModuleList(
                convolution(channels[k], channels[k + 1], 3, stride=min(k + 1, 2), padding=1, padding_mode="replicate")
                for k in range(levels)
            )
            self.decoder = nn.ModuleList(
                transposed(channels[k + 1], channels[k], 2, stride=2) for k in range(levels - 1, 0, -1)
            )
            self.output = convolution(channels[1], channels[0], 1)
        for level, count in enumerate(channels[1:]):
            self.register_buffer(f"spread{level}", torch.ones(count))
        for layer in [*self.encoder, *self.decoder, self.output]:
            nn.init.kaiming_normal_(layer.weight, a=SLOPE, generator=generator)
            nn.init.zeros_(layer.bias)

    def seen(self, images: Tensor) -> Tensor:
        """What the encoder is shown `(B, 2, *spatial)` of images `(B, 1, *spatial)`: grey values and their texture.

        Texture is the difference to the mean of the 3 x 3 (x 3) neighbourhood, compressed, so that faint noise
        and lost detail count beside strong edges.
        """
        average = F.avg_pool2d if self.spatial_dims == 2 else F.avg_pool3d
        padded = F.pad(images, (1, 1) * self.spatial_dims, mode="replicate")
        texture = TEXTURE_WEIGHT * compressed(images - average(padded, 3, stride=1), TEXTURE_SOFTNESS)
        return torch.cat([images, texture], dim=1)

    def activations(self, seen: Tensor) -> list[Tensor]:
        """Activations `(B, channels, *spatial)` of each level."""
        levels = []
        for layer in self.encoder:
            seen = F.leaky_relu(layer(seen), SLOPE)
            levels.append(seen)
        return levels

    def forward(self, seen: Tensor) -> Tensor:
        """Rebuild what was seen, `(B, 2, *spatial)`, from the last level."""
        sizes = seen.shape[2:]
        rebuilt = self.activations(seen)[-1]
        for layer in self.decoder:
            rebuilt = F.leaky_relu(layer(rebuilt), SLOPE)
        return self.output(rebuilt)[(..., *(slice(length) for length in sizes))]

    @torch.inference_mode()
    def calibrate(self, images: Tensor) -> None:
        """Remember the standard deviation of each channel's activations over images `(n, 1, *spatial)`."""
        spreads = [self.get_buffer(f"spread{level}") for level in range(len(self.encoder))]
        # Room for all that is kept, made beforehand: small tensors among large ones would keep the large ones' memory.
        pooled = [images.new_empty(len(images), 2, len(spread)) for spread in spreads]
        for index, image in enumerate(images):
            for level, activations in enumerate(self.activations(self.seen(image[None]))):
                pooled[level][index] = torch.cat(pool(activations))
        for spread, (means, deviations) in zip(spreads, (values.unbind(dim=1) for values in pooled), strict=True):
            squares = (deviations**2 + means**2).mean(dim=0)
            spread.copy_((squares - means.mean(dim=0) ** 2).clamp_min(1e-12).sqrt())

    @torch.inference_mode()
    def features(self, images: Tensor) -> Tensor:
        """Mean and standard deviation over space of each level's compressed activations, `(B, 2 * channels)`."""
        pooled: list[Tensor] = []
        for level, activations in enumerate(self.activations(self.seen(images))):
            spread = self.get_buffer(f"spread{level}").reshape(-1, *[1] * self.spatial_dims)
            pooled += pool(compressed(activations / spread, ACTIVATION_SOFTNESS))
        return torch.cat(pooled, dim=1)


def pool(activations: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation `(B, channels)` over space."""
    flat = activations.flatten(2)
    return flat.mean(dim=2), flat.std(dim=2, correction=0)


def compressed(values: Tensor, softness: float) -> Tensor:
    """The sign of the values times log(1 + |values| / softness)."""
    return values.sign() * (values.abs() / softness).log1p()


def reduced(images: Tensor, spatial_dims: int, factor: int) -> Tensor:
    """Images `(B, C, *spatial)` averaged over blocks of `factor` voxels per axis; a shorter axis becomes one voxel."""
    if factor == 1:
        return images
    average = F.avg_pool2d if spatial_dims == 2 else F.avg_pool3d
    return average(images, [min(factor, length) for length in images.shape[2:]], ceil_mode=True)
