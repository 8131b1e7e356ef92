"""The noise that a generator starts from: a vector, a white volume, or a volume with coarse and fine parts."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor

from synthtrial.errors import ConfigError
from synthtrial.gans.draws import randn


class Noise:
    """Standard normal noise.

    White noise cancels out where blocks average over it: on a 2D grid 16 times coarser a 16th of it is left, and a
    U-Net makes much the same of every volume. A pyramid adds up white noise of several grids, so that every grid has
    some of its own.

    Args:
        kind: `vector`, `white` (a volume) or `pyramid` (a volume).
        channels: length of the vector, or channels of the volume.
        grids: the volume's size, then every coarser grid that the generator works on, voxels per axis; none for a
            vector.

    Raises:
        ConfigError: for a kind that the generator can't start from.
    """

    def __init__(self, kind: str, channels: int, grids: Sequence[tuple[int, ...]] = ()) -> None:
        possible = ("white", "pyramid") if grids else ("vector",)
        if kind not in possible:
            raise ConfigError(f"noise is {kind!r}, but this generator starts from: {', '.join(possible)}")
        self.channels = channels
        self.grids = grids[:1] if kind == "white" else grids

    def __call__(self, n: int, device: torch.device | str = "cpu", rng: torch.Generator | None = None) -> Tensor:
        """Draw `(n, channels)` or `(n, channels, *spatial)` from this device's generator, or as a step draws."""

        def normal(*shape: int) -> Tensor:
            if rng is None:
                return randn(n, *shape, device=device)
            return torch.randn(n, *shape, device=device, generator=rng)

        if not self.grids:
            return normal(self.channels)
        volume = torch.zeros(n, self.channels, *self.grids[0], device=device)
        for grid in self.grids:
            white = normal(self.channels, *grid)
            volume += F.interpolate(white, size=self.grids[0])
        return volume / sqrt(len(self.grids))
