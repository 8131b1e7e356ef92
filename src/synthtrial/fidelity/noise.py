"""Cases of pure noise: the ceiling of every scale."""

from __future__ import annotations

import numpy as np

from synthtrial.fidelity.cases import Cases


class NoiseSource:
    """Cases without any structure, in the shape of real ones.

    The image is normal noise of standard deviation 0.5, clipped to [-1, 1]; every voxel of the mask has a random label.

    Args:
        like: real cases, whose shape, labels, spacing, unit and window the noise takes.
        channels: channels of an image.
        seed: case k follows from the seed and k.
    """

    def __init__(self, like: Cases, channels: int, seed: int) -> None:
        self.labels = like.source.labels
        self.shape = like.source.shape
        self.spacing_mm = like.source.spacing_mm
        self.unit = like.source.unit
        self._window = like.source.window(like.case_ids[0])
        self.channels = channels
        self.seed = seed

    def window(self, case_id: str) -> tuple[float, float]:
        return self._window

    def image(self, case_id: str) -> np.ndarray:
        """Noise `(C, *spatial)`."""
        noise = self._rng(case_id, 0).normal(0, 0.5, (self.channels, *self.shape))
        return np.clip(noise, -1, 1).astype(np.float32)

    def mask(self, case_id: str) -> np.ndarray:
        """Random labels `(*spatial)`."""
        return self._rng(case_id, 1).integers(0, len(self.labels) + 1, self.shape, dtype=np.uint8)

    def _rng(self, case_id: str, kind: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, int(case_id), kind])


def noise_like(real: Cases, count: int, rng: np.random.Generator) -> Cases:
    """As many cases of noise as asked for, in the shape of the real ones."""
    channels = len(real.source.image(real.case_ids[0]))
    source = NoiseSource(real, channels, seed=int(rng.integers(2**31)))
    return Cases(source, tuple(str(k) for k in range(count)))
