"""Cases in plain files, one `.npy` image each, for tests that need many images quickly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from synthtrial.fidelity.cases import Cases


@dataclass(frozen=True)
class ImageFiles:
    """A folder of `<case_id>.npy` images without masks."""

    folder: Path
    shape: tuple[int, ...]
    labels: tuple[str, ...] = ()
    unit: str = "HU"

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        return (1.0,) * len(self.shape)

    def window(self, case_id: str) -> tuple[float, float]:
        return -1000.0, 600.0

    def image(self, case_id: str) -> np.ndarray:
        return np.load(self.folder / f"{case_id}.npy", mmap_mode="r")

    def mask(self, case_id: str) -> np.ndarray:
        return np.zeros(self.shape, np.uint8)


def write_cases(
    folder: Path, images: Iterable[np.ndarray], patients: tuple[str, ...] = (), name: str = "case"
) -> Cases:
    """Write images `(C, *spatial)` and return them as cases."""
    folder.mkdir(parents=True, exist_ok=True)
    case_ids = []
    for index, image in enumerate(images):
        case_ids.append(f"{name}{index:03d}")
        np.save(folder / f"{case_ids[-1]}.npy", image.astype(np.float32))
    return Cases(ImageFiles(folder, image.shape[1:]), tuple(case_ids), patients)


def phantoms(count: int, shape: tuple[int, ...], rng: np.random.Generator) -> list[np.ndarray]:
    """Images `(1, *spatial)` with the same body in each, and a lesion, faint texture and noise of its own."""
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, length) for length in shape], indexing="ij"))
    body = np.where((grid**2).sum(0) < 0.8, 0.0, -1.0)
    images = []
    for _ in range(count):
        centre = rng.uniform(-0.4, 0.4, len(shape)).reshape(-1, *[1] * len(shape))
        lesion = ((grid - centre) ** 2).sum(0) < rng.uniform(0.15, 0.35) ** 2
        texture = ndimage.gaussian_filter(rng.normal(0, 1, shape), 1.5)
        noise = rng.normal(0, 0.03, shape)
        images.append(
            np.clip(body + 0.5 * lesion + 0.4 * texture * (body > -1) + noise, -1, 1)[None].astype(np.float32)
        )
    return images
