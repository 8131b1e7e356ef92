"""The lesion of the CT phantom: a union of lobes with a rough surface, round and smooth or large and spiculated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from synthtrial.cohorts.phantom_shapes import Grid, Waves, paint, texture

Depth = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class LesionKind:
    """How lesions of one class look.

    Attributes:
        lobes: range of the number of lobes.
        spread: distance of the lobes from the centre, in radii.
        roughness: standard deviation of the surface, in radii.
        spikes: height of spicules, in radii.
        necrosis: probability of a dark core.
    """

    lobes: tuple[int, int]
    spread: float
    roughness: float
    spikes: float
    necrosis: float


KINDS = {
    "benign": LesionKind(lobes=(1, 3), spread=0.3, roughness=0.05, spikes=0.0, necrosis=0.0),
    "malignant": LesionKind(lobes=(3, 6), spread=0.55, roughness=0.11, spikes=0.16, necrosis=0.5),
}
"""The two classes. Their sizes overlap, so that size alone does not tell them apart."""


class Lesion:
    """One lesion, drawn on any grid.

    Args:
        rng: where it comes from.
        kind: "benign" or "malignant".
        centre: mm.
        radius: about that of a ball of equal volume, mm.
        hu: density of its solid part.
    """

    def __init__(self, rng: np.random.Generator, kind: str, centre: np.ndarray, radius: float, hu: float) -> None:
        self.kind, self.centre, self.radius, self.hu = KINDS[kind], centre, radius, hu
        n = int(rng.integers(self.kind.lobes[0], self.kind.lobes[1] + 1))
        self.lobes = rng.normal(0, self.kind.spread * radius / np.sqrt(3), (n, 3))
        self.lobes -= self.lobes.mean(axis=0)
        self.sizes = radius * n ** (-1 / 3) * rng.uniform(0.85, 1.15, n)
        self.rough, self.spikes = Waves(rng, 6, 3.0), Waves(rng, 5, 7.0)
        self.necrotic = rng.random() < self.kind.necrosis

    def depth(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Signed depth, mm: a smooth union of balls whose surface waves with the direction from the centre."""
        x, y, z = x - self.centre[0], y - self.centre[1], z - self.centre[2]
        blend = 0.12 * self.radius
        union = sum(
            np.exp((size - np.sqrt((x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2)) / blend)
            for (a, b, c), size in zip(self.lobes, self.sizes, strict=True)
        )
        distance = np.sqrt(x**2 + y**2 + z**2) + 1e-6
        direction = (x / distance, y / distance, z / distance)
        surface = self.kind.roughness * self.rough(*direction)
        if self.kind.spikes:
            surface = surface + self.kind.spikes * np.clip(self.spikes(*direction) - 1.0, 0, 2)
        return (blend * np.log(np.maximum(union, 1e-30)) + self.radius * surface).astype(np.float32)

    def draw(self, hu: np.ndarray, grid: Grid, host: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw the lesion into `hu`, in place, where its host tissue lets it grow; return its mask, uint8.

        A lesion that falls between all voxels still marks the one nearest to its centre.
        """
        mask = np.zeros(grid.shape, np.uint8)
        index, part = grid.near(self.centre, 2.5 * self.radius + 2 * grid.edge)
        depth = np.minimum(self.depth(part.x, part.y, part.z), host[index] + 2)
        grain = texture(rng, part, max(4.0, self.radius / 3))
        value = self.hu + 7 * grain
        if self.necrotic:
            core = np.clip((depth + 0.15 * self.radius * grain) / (0.5 * self.radius) - 0.5, 0, 1)
            value = value - 28 * core
        paint(hu[index], depth, value, grid.edge)
        mask[index] = depth > 0
        if not mask.any():
            inner = np.unravel_index(depth.argmax(), depth.shape)
            mask[index][inner] = 1
        return mask
