"""The chest of the CT phantom: body wall with ribs, spine, mediastinum, heart, two lungs with their vessels, liver.

Axes in mm around the middle of the chest: x to the patient's right, y to the front, z up.
"""

from __future__ import annotations

import numpy as np

from synthtrial.cohorts.phantom_shapes import Grid, Waves, ellipsoid, paint, texture, tubes

RIB_PITCH_MM = 29.0
RIB_SLOPE = 0.55  # a rib falls by so many mm per mm from back to front
VESSEL_GENERATIONS = 7
BRANCH_MM = 18.0


class Chest:
    """One patient's chest: its random measures are drawn at once, then it can be drawn on any grid.

    Args:
        rng: where the patient comes from.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        size = rng.uniform(0.92, 1.04)
        self.half_width, self.half_depth = 128 * size * rng.uniform(0.95, 1.05), 84 * size * rng.uniform(0.93, 1.07)
        self.fat_mm = rng.uniform(6, 20)
        self.wall_mm = rng.uniform(17, 24)
        self.outline = Waves(rng, 4, 1.5)
        self.diaphragm_z = rng.uniform(-75, -45)
        self.heart = np.array([-22, 14, rng.uniform(-40, -22)]) * size
        self.heart_radii = np.array([52, 42, 52]) * size * rng.uniform(0.9, 1.1)
        self.rib_phase = rng.uniform(0, RIB_PITCH_MM)
        self.lung_hu = rng.uniform(-880, -820)
        self.blood_hu = float(rng.choice([42, 150], p=[0.5, 0.5]) + rng.normal(0, 8))
        self.bone_hu = rng.uniform(0.8, 1.15)

    def host(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Depth of the lungs, where lesions grow."""
        # The mediastinum is wide at the heart and thin in front of and behind it.
        middle = 12 + 26 * np.exp(-(((y - 2) / 34) ** 2)) - 0.05 * z
        side = np.abs(x + 4) - middle
        heart = np.sqrt(
            sum(((p - c) / r) ** 2 for p, c, r in zip((x, y, z), self.heart, self.heart_radii, strict=True))
        )
        bounds = (self._thorax(x, y, z) - 1.5, side, z - self._dome(x, y), (heart - 1) * self.heart_radii.min() - 4)
        return np.minimum.reduce(np.broadcast_arrays(*bounds))

    def place(self, rng: np.random.Generator, radius: float, z_range: tuple[float, float]) -> np.ndarray:
        """Choose the centre of a lesion of about `radius` mm, mostly inside the lung, sometimes at its wall."""
        points = rng.uniform((-130, -90, z_range[0]), (130, 90, z_range[1]), (600, 3))
        depth = self.host(*points.T)
        wanted = radius * rng.uniform(0.5, 1.6)
        return points[np.argmin(np.abs(depth - wanted))]

    def draw(self, rng: np.random.Generator, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
        """Draw the chest without lesion.

        Returns:
            HU and the depth of the lungs, both float32 of the grid's shape.
        """
        x, y, z, edge = grid.x, grid.y, grid.z, grid.edge
        thorax = self._thorax(x, y, z)
        lungs = self.host(x, y, z)
        fine, coarse = texture(rng, grid, 7), texture(rng, grid, 22)
        hu = np.full(grid.shape, -1000, np.float32)
        self._draw_wall(hu, grid, thorax, fine, coarse)
        paint(hu, thorax, 20 + 12 * fine - 70 * np.clip(coarse, 0, 1.5), edge)
        # Lungs are denser at the back, where gravity lets the blood sink.
        paint(hu, lungs, self.lung_hu - 0.35 * y + 14 * fine + 12 * coarse, edge)
        liver = np.minimum(thorax - 3, self._dome(x, y) - z)
        paint(hu, liver, 58 + 6 * fine, edge)
        self._draw_middle(hu, grid, fine)
        self._draw_vessels(hu, grid, rng, lungs)
        self._draw_spine(hu, grid, fine)
        return hu, lungs.astype(np.float32)

    def _thorax(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Depth of the cavity within the ribs, which narrows to the top."""
        narrow = np.sqrt(np.clip(1 - (np.maximum(z, 0) / 170) ** 2, 0.05, 1))
        # The spine pushes in from behind.
        notch = 24 * np.exp(-((x / 26) ** 2)) * (y < 0)
        r = (np.abs(x / (self.half_width * narrow)) ** 2.3 + np.abs(y / (self.half_depth * narrow)) ** 2.3) ** (1 / 2.3)
        return ((1 - r) * self.half_depth - notch * np.clip(-y / self.half_depth, 0, 1)).astype(np.float32)

    def _dome(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Height of the diaphragm: a dome on each side, mm."""
        return self.diaphragm_z + 34 - ((np.abs(x) - 62) ** 2 + y**2) / 150

    def _body(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Depth of the body: an oval a little flatter than an ellipse."""
        around = self.wall_mm + self.fat_mm
        width, depth = self.half_width + around + 4, self.half_depth + around - 2
        r = (np.abs(x / width) ** 2.35 + np.abs((y + 5) / depth) ** 2.35) ** (1 / 2.35)
        return ((1 - r) * depth).astype(np.float32)

    def _draw_wall(self, hu: np.ndarray, grid: Grid, thorax: np.ndarray, fine: np.ndarray, coarse: np.ndarray) -> None:
        """Skin, fat, muscle, ribs and breastbone."""
        x, y, z, edge = grid.x, grid.y, grid.z, grid.edge
        angle = np.arctan2(y, x)
        muscle_mm = (
            self.wall_mm + 16 * np.exp(-((x / 60) ** 2)) * (y < 0) + 2.5 * self.outline(np.cos(angle), np.sin(angle), 0)
        )
        body = self._body(x, y)
        paint(hu, body, 15, edge)
        paint(hu, body - 2, -105 + 8 * fine, edge)
        paint(hu, np.minimum(body - 3, thorax + muscle_mm), 52 + 6 * fine - 120 * np.clip(coarse - 1.1, 0, 1), edge)
        phase = (z + RIB_SLOPE * y + self.rib_phase) / RIB_PITCH_MM
        along = (phase - np.round(phase)) * RIB_PITCH_MM
        rib = (1 - np.sqrt(((thorax + 7) / 5.5) ** 2 + (along / 7.5) ** 2)) * 5.5
        rib = np.minimum(rib, np.abs(x) - 18)
        front = np.clip((y - 0.45 * self.half_depth) / 12, 0, 1)
        paint(hu, rib, (1 - front) * 620 * self.bone_hu + front * 110, edge)
        paint(hu, rib - 2.2, (1 - front) * 190 * self.bone_hu + front * 90, edge)
        sternum = ellipsoid(grid, (0, self.half_depth + 8, 30), (19, 7, 75))
        paint(hu, sternum, 420 * self.bone_hu, edge)
        paint(hu, sternum - 2, 130 + 25 * fine, edge)

    def _draw_middle(self, hu: np.ndarray, grid: Grid, fine: np.ndarray) -> None:
        """Heart, great vessels, airway."""
        edge, blood = grid.edge, self.blood_hu
        heart = ellipsoid(grid, self.heart, self.heart_radii)
        paint(hu, heart + 5, -90 + 8 * fine, edge)
        paint(hu, heart, 48 + 4 * fine, edge)
        for shift, radii in (((-12, -6, 0), (21, 24, 34)), ((20, 6, 4), (19, 22, 34))):
            paint(hu, ellipsoid(grid, self.heart + shift, radii), blood, edge)
        paint(hu, ellipsoid(grid, (-24, -0.55 * self.half_depth, 0), (12, 12, np.inf)), blood, edge)
        paint(hu, ellipsoid(grid, (8, 18, 55), (15, 15, 48)), blood, edge)
        paint(hu, ellipsoid(grid, (27, 10, 60), (9, 10, 60)), blood + 8, edge)
        trachea = ellipsoid(grid, (2, -12, 75), (9, 8, 60))
        paint(hu, trachea + 1.5, 40, edge)
        paint(hu, trachea, -980, edge)

    def _draw_spine(self, hu: np.ndarray, grid: Grid, fine: np.ndarray) -> None:
        """Vertebral body with its arch around the canal, and discs between vertebrae."""
        edge, back = grid.edge, -self.half_depth
        phase = (grid.z + self.rib_phase) / 24
        disc = (np.abs(phase - np.round(phase)) * 24 < 2.5).astype(np.float32)
        parts = [
            ((0, back + 10, 0), (19, 16, np.inf)),
            ((0, back - 15, 0), (17, 12, np.inf)),
            ((0, back - 32, 0), (4, 17, np.inf)),
            ((26, back - 13, 0), (18, 5, np.inf)),
            ((-26, back - 13, 0), (18, 5, np.inf)),
        ]
        for centre, radii in parts:
            depth = ellipsoid(grid, centre, radii)
            paint(hu, depth, 560 * self.bone_hu * (1 - 0.8 * disc), edge)
            paint(hu, depth - 2.5, (190 + 45 * fine) * self.bone_hu * (1 - 0.5 * disc), edge)
        paint(hu, ellipsoid(grid, (0, back - 12, 0), (10, 8, np.inf)), 30, edge)

    def _draw_vessels(self, hu: np.ndarray, grid: Grid, rng: np.random.Generator, lungs: np.ndarray) -> None:
        """Two trees from the hila, vectorised over all tips of a generation."""
        tips = np.repeat([[38.0, -8, 5], [-38.0, -8, 5]], 10, axis=0) + rng.normal(0, 7, (20, 3))
        ways = rng.normal(0, 1, tips.shape) + np.sign(tips) * [1.2, 0, 0]
        radii = rng.uniform(3.5, 5.5, len(tips))
        step = max(2.5, 0.7 * grid.edge)
        points, widths = [], []
        for _ in range(VESSEL_GENERATIONS):
            for _ in range(round(BRANCH_MM / step)):
                ways = ways / np.linalg.norm(ways, axis=1, keepdims=True) + rng.normal(0, 0.13, ways.shape)
                tips = tips + step * ways
                points.append(tips)
                widths.append(radii)
            alive = self.host(*tips.T) > 3
            tips, ways, radii = tips[alive], ways[alive], radii[alive]
            fork = rng.normal(0, 0.55, ways.shape)
            tips, ways = np.concatenate([tips, tips]), np.concatenate([ways + fork, ways - fork])
            radii = np.concatenate([radii, radii]) * rng.uniform(0.68, 0.86, 2 * len(radii))
        centres, width = np.concatenate(points), np.concatenate(widths)
        reach = width + grid.edge
        seen = (centres[:, 2] > grid.z.min() - reach) & (centres[:, 2] < grid.z.max() + reach)
        depth = tubes(grid, centres[seen], width[seen])
        paint(hu, np.minimum(depth, lungs + 2), self.blood_hu, grid.edge)
