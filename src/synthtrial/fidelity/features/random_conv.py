"""Random convolutional features: no training, no download, the same on every machine."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from synthtrial.errors import ConfigError

if TYPE_CHECKING:
    import torch


class RandomConv:
    """Pooled responses of fixed random filters on a pyramid of scales.

    At each level of the pyramid (the image averaged over 1, 2, 4, ... voxels) random 3 x 3 (x 3) filters are applied
    over all channels. Half of them have zero sum and unit norm: they see texture, edges and noise. The other half
    have unit sum and a random offset in [-1, 1]: they see how far local intensities are from that offset. A response
    r is compressed to log(1 + |r| / softness), so that faint texture counts beside strong edges, and pooled over
    the image to its mean and standard deviation: `2 * filters * levels` features.

    Random filters rank degradations of the same images well (blur, noise, missing modes) but know no anatomy. Distances
    are comparable only within synthtrial, for the same settings, image shape and number of cases.

    Args:
        spatial_dims: 2 or 3.
        seed: seed of the filters.
        filters: filters per level; even.
        levels: levels of the pyramid.
        softness: responses well below it count linearly, above it logarithmically; image units of [-1, 1].

    Raises:
        ConfigError: for a setting out of range.
    """

    def __init__(
        self, *, spatial_dims: int, seed: int = 0, filters: int = 16, levels: int = 4, softness: float = 0.02
    ) -> None:
        if seed < 0 or filters < 2 or filters % 2 or levels < 1 or softness <= 0:
            raise ConfigError(
                "RandomConv takes a seed of at least 0, an even number of filters, at least 1 level and a softness "
                f"above 0, not {seed}, {filters}, {levels} and {softness}"
            )
        self.name = "random_conv"
        self.spatial_dims = spatial_dims
        self.seed = seed
        self.filters = filters
        self.levels = levels
        self.softness = softness

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Features `(n, 2 * filters * levels)` float64 of images `(n, C, *spatial)` in [-1, 1]."""
        import torch

        with torch.inference_mode():
            return torch.cat([self._features(torch.from_numpy(image)[None]) for image in images]).double().numpy()

    def _features(self, image: torch.Tensor) -> torch.Tensor:
        """Features `(1, d)` of one image `(1, C, *spatial)`: one at a time, which bounds memory for large volumes."""
        import torch
        from torch.nn import functional as F

        convolve, average = (F.conv2d, F.avg_pool2d) if self.spatial_dims == 2 else (F.conv3d, F.avg_pool3d)
        space = tuple(range(2, 2 + self.spatial_dims))
        pooled = []
        for level in range(self.levels):
            if level > 0:
                image = average(image, [min(2, length) for length in image.shape[2:]], ceil_mode=True)
            weights, offsets = random_filters(self.seed + level, self.filters, image.shape[1], self.spatial_dims)
            padded = F.pad(image, (1, 1) * self.spatial_dims, mode="replicate")
            response = convolve(padded, torch.from_numpy(weights), torch.from_numpy(offsets))
            response = response.abs_().div_(self.softness).log1p_()
            pooled += [response.mean(dim=space), response.std(dim=space, correction=0)]
        return torch.cat(pooled, dim=1)


@cache
def random_filters(seed: int, filters: int, channels: int, spatial_dims: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights `(filters, channels, 3, ...)` and offsets `(filters,)`, float32.

    Made from the raw 64-bit words of PCG64, which NumPy promises never to change; its normal distribution it may.
    """
    words = np.random.PCG64(seed).random_raw(filters * (channels * 3**spatial_dims + 1))
    uniform = (words >> np.uint64(11)).astype(np.float64) / 2**52 - 1
    offsets, weights = uniform[:filters].copy(), uniform[filters:].reshape(filters, -1)
    half = filters // 2
    texture = weights[:half] - weights[:half].mean(axis=1, keepdims=True)
    texture /= np.linalg.norm(texture, axis=1, keepdims=True)
    intensity = np.abs(weights[half:])
    intensity /= intensity.sum(axis=1, keepdims=True)
    offsets[:half] = 0
    shape = (filters, channels, *[3] * spatial_dims)
    return np.concatenate([texture, intensity]).reshape(shape).astype(np.float32), offsets.astype(np.float32)
