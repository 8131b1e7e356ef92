"""Altering an image and its mask alike: affine and elastic deformation, coarser voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from synthtrial.cohorts.augment_settings import AffineSettings, AugmentSettings, ElasticSettings, ResampleSettings
from synthtrial.cohorts.case import CaseRef, RawCase
from synthtrial.cohorts.resampling import regrid, resample

if TYPE_CHECKING:
    import torch

Pair = tuple[np.ndarray, np.ndarray | None]
"""A float32 image `(C, *spatial)` in [-1, 1] and its uint8 label map `(*spatial)`; None where a cohort has no masks."""

PADDING = {"background": "zeros", "border": "border", "reflection": "reflection"}
"""What `prepare.augment.beyond` is to MONAI."""


def altered(pair: Pair, kind: str, settings: AugmentSettings, rng: np.random.Generator) -> Pair:
    """Draw an altered copy of a pair; the image is read linearly, the mask takes the nearest voxel.

    Args:
        pair: image and mask.
        kind: "affine", "elastic" or "resample".
        settings: of all kinds.
        rng: where the drawn parameters come from.
    """
    if kind == "resample":
        assert settings.resample is not None
        return coarsened(pair, settings.resample, rng)
    elastic = settings.elastic if kind == "elastic" else None
    affine = elastic.affine if elastic else settings.affine
    return read_at(pair, drawn_grid(pair[0].shape[1:], affine, elastic, rng), settings.beyond)


def coarsened(pair: Pair, settings: ResampleSettings, rng: np.random.Generator) -> Pair:
    """Resample to larger voxels and back, as `prepare` resamples a scan."""
    image, mask = pair
    factors = rng.uniform(1, settings.coarsest)
    fine = RawCase(CaseRef("", "", "", "", None, (), ""), image, mask, np.eye(4))
    back = regrid(resample(fine, factors), fine.shape, 1 / factors)
    return back.image, back.mask


def drawn_grid(
    shape: tuple[int, ...], affine: AffineSettings | None, elastic: ElasticSettings | None, rng: np.random.Generator
) -> torch.Tensor:
    """Draw where each voxel of the copy is read: homogeneous voxel coordinates about the centre, `(axes + 1, *shape)`.

    The displacement is that of MONAI's `Rand3DElastic`, in 2D and 3D; the affine transform comes after it.
    """
    import torch
    from monai.networks.layers import GaussianFilter
    from monai.transforms import AffineGrid
    from monai.transforms.utils import create_grid

    axes = len(shape)
    grid = torch.as_tensor(create_grid(shape, backend="torch"))
    if elastic:
        vectors = torch.from_numpy(rng.uniform(-1, 1, (axes, *shape)).astype(np.float32))
        sigma, magnitude = (rng.uniform(low, high) for low, high in (elastic.sigma, elastic.magnitude))
        grid[:axes] += magnitude * GaussianFilter(axes, sigma, truncated=3.0)(vectors[None])[0]
    if affine:
        low, high = affine.scale
        # The grid tells where the copy reads from: content grows where the grid shrinks.
        place = AffineGrid(
            rotate_params=np.deg2rad(rng.uniform(np.negative(affine.rotate), affine.rotate)).tolist(),
            translate_params=rng.uniform(np.negative(affine.translate), affine.translate).tolist(),
            scale_params=(1 / rng.uniform(low, high, axes)).tolist(),
        )
        grid = cast("torch.Tensor", place(grid=grid)[0])
    return grid


def read_at(pair: Pair, grid: torch.Tensor, beyond: str) -> Pair:
    """Read image and mask at the places of a grid."""
    import torch
    from monai.transforms import Resample

    def read(array: np.ndarray, mode: str) -> np.ndarray:
        resampler = Resample(mode=mode, padding_mode=PADDING[beyond])
        return np.asarray(resampler(torch.from_numpy(array), grid))

    image, mask = pair
    # Beyond the grid MONAI reads 0, but the background is -1.
    image = read(image + 1, "bilinear") - 1
    return image, None if mask is None else read(mask[None].astype(np.float32), "nearest")[0].astype(np.uint8)
