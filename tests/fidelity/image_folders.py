"""Folders of small pictures and volumes that the tests of comparing two folders write."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
from PIL import Image
from scipy import ndimage

SHAPE = (12, 13, 14)


def write_picture(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def write_volume(path: Path, values: np.ndarray, affine: np.ndarray | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine), path)


def write_pictures(
    folder: Path, *, count: int = 12, seed: int = 0, blur: float = 0, shape: tuple[int, ...] = (16, 18)
) -> Path:
    """Write 8-bit pictures of noise, blurred by so many pixels; RGB where the shape has a third axis."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        noise = rng.uniform(0, 256, shape)
        smooth = ndimage.gaussian_filter(noise, (blur, blur, 0)[: len(shape)])
        write_picture(folder / f"p{index:02d}.png", smooth.astype(np.uint8))
    return folder


def write_volumes(folder: Path, *, count: int = 12, seed: int = 0, affine: np.ndarray | None = None) -> Path:
    """Write volumes of noise around 0 with a bright ball, and the mask of the ball."""
    rng = np.random.default_rng(seed)
    grid = np.indices(SHAPE)
    for index in range(count):
        centre = rng.uniform(5, 8, 3).reshape(3, 1, 1, 1)
        mask = (((grid - centre) ** 2).sum(0) < rng.uniform(2.5, 4) ** 2).astype(np.uint8)
        image = (rng.normal(0, 100, SHAPE) + 300.0 * mask).astype(np.float32)
        write_volume(folder / f"images/v{index:02d}.nii.gz", image, affine)
        write_volume(folder / f"masks/v{index:02d}.nii.gz", mask, affine)
    return folder
