"""The thigh of the CT phantom: skin, fat, muscles with fat between them, thigh bone, vessels.

Axes in mm around the middle of the thigh: x to the patient's right, y to the front, z up.
"""

from __future__ import annotations

import numpy as np

from synthtrial.cohorts.phantom_shapes import Grid, Waves, ellipsoid, paint, texture

MUSCLES = 11


class Limb:
    """One patient's thigh: its random measures are drawn at once, then it can be drawn on any grid.

    Args:
        rng: where the patient comes from.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.radius = rng.uniform(62, 82)
        self.flat = rng.uniform(0.88, 1.0)
        self.fat_mm = rng.uniform(8, 24)
        self.outline, self.fat_outline = Waves(rng, 4, 1.3), Waves(rng, 4, 1.3)
        self.bone = np.array([rng.uniform(4, 14), rng.uniform(0, 12), 0])
        self.bone_radius = rng.uniform(12.5, 15.5)
        self.bone_slant = rng.uniform(-0.08, 0.08)
        angles = np.linspace(0, 2 * np.pi, MUSCLES, endpoint=False) + rng.normal(0, 0.2, MUSCLES)
        distance = self.radius * np.where(np.arange(MUSCLES) % 2, 0.78, 0.48) * rng.uniform(0.85, 1.1, MUSCLES)
        self.muscles = self.bone[:2] * 0.5 + np.stack([np.cos(angles), np.sin(angles)], 1) * distance[:, None]
        self.muscle_hu = rng.normal(56, 5, MUSCLES)
        self.muscle_slant = rng.normal(0, 0.09, (MUSCLES, 2))
        self.vessels = np.array([-0.42 * self.radius, rng.uniform(-8, 12)])
        self.blood_hu = float(rng.choice([45, 140], p=[0.6, 0.4]))

    def host(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Depth of the muscles within the fascia and around the bone, where lesions grow."""
        bone = np.hypot(x - self.bone[0] - self.bone_slant * z, y - self.bone[1]) - self.bone_radius
        return np.minimum(self._fascia(x, y, z), bone)

    def place(self, rng: np.random.Generator, radius: float, z_range: tuple[float, float]) -> np.ndarray:
        """Choose the centre of a lesion of about `radius` mm."""
        points = rng.uniform((-90, -90, z_range[0]), (90, 90, z_range[1]), (600, 3))
        depth = self.host(*points.T)
        return points[np.argmin(np.abs(depth - radius * rng.uniform(0.5, 1.0)))]

    def draw(self, rng: np.random.Generator, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
        """Draw the thigh without lesion.

        Returns:
            HU and the depth of the muscles, both float32 of the grid's shape.
        """
        x, y, z, edge = grid.x, grid.y, grid.z, grid.edge
        fascia, host = self._fascia(x, y, z), self.host(x, y, z)
        fine, coarse = texture(rng, grid, 5), texture(rng, grid, 18)
        hu = np.full(grid.shape, -1000, np.float32)
        angle = np.arctan2(y, x)
        skin = fascia + self.fat_mm * (1.1 + 0.2 * self.fat_outline(np.cos(angle), np.sin(angle), z / 120))
        paint(hu, skin, 10, edge)
        paint(hu, skin - 2, -108 + 7 * fine + 60 * np.clip(fine - 1.8, 0, 1), edge)
        muscle, gap = self._muscles(x, y, z)
        paint(hu, fascia, muscle + 5 * fine - 45 * np.clip(fine - 1.2, 0, 1), edge)
        # Fat between two muscles, thicker where three meet and in the fatty streaks of some patients.
        paint(hu, np.minimum(fascia - 1, 1.4 + 0.8 * coarse - gap), -85 + 10 * fine, edge)
        self._draw_vessels(hu, grid)
        self._draw_bone(hu, grid, fine)
        return hu, host.astype(np.float32)

    def _fascia(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Depth of the muscle compartment, which tapers to the knee."""
        angle = np.arctan2(y, x)
        radius = self.radius * (1 + 0.0012 * z) + 3.5 * self.outline(np.cos(angle), np.sin(angle), z / 120)
        return (radius - np.hypot(x, y / self.flat)).astype(np.float32)

    def _muscles(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """HU of the muscle at each place, and the distance to the border of the next, mm.

        A Voronoi pattern of slanted axes.
        """
        shape = np.broadcast_shapes(x.shape, y.shape, z.shape)
        hu, first, second = np.zeros(shape, np.float32), *np.full((2, *shape), 1e6, np.float32)
        for centre, slant, value in zip(self.muscles, self.muscle_slant, self.muscle_hu, strict=True):
            distance = np.hypot(x - centre[0] - slant[0] * z, y - centre[1] - slant[1] * z).astype(np.float32)
            hu = np.where(distance < first, np.float32(value), hu)
            second = np.minimum(second, np.maximum(first, distance))
            first = np.minimum(first, distance)
        return hu, (second - first) / 2

    def _draw_vessels(self, hu: np.ndarray, grid: Grid) -> None:
        """Artery and vein in their sheath of fat."""
        a, b = self.vessels
        paint(hu, ellipsoid(grid, (a, b, 0), (14, 11, np.inf)), -90, grid.edge)
        paint(hu, ellipsoid(grid, (a - 4, b + 2, 0), (4.5, 4.5, np.inf)), self.blood_hu, grid.edge)
        paint(hu, ellipsoid(grid, (a + 5, b - 2, 0), (5.5, 5, np.inf)), 0.7 * self.blood_hu + 10, grid.edge)

    def _draw_bone(self, hu: np.ndarray, grid: Grid, fine: np.ndarray) -> None:
        """Cortical shaft around fatty marrow."""
        offset = np.hypot(grid.x - self.bone[0] - self.bone_slant * grid.z, grid.y - self.bone[1])
        paint(hu, self.bone_radius - offset, 1150, grid.edge)
        paint(hu, 0.55 * self.bone_radius - offset, -40 + 15 * fine, grid.edge)
