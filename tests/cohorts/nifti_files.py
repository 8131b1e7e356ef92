"""Small NIfTI files that the tests of the readers write."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np


def write_nifti(path: Path, array: np.ndarray, affine: np.ndarray | None = None) -> Path:
    """Write an array as NIfTI, identity affine by default."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4) if affine is None else affine), path)
    return path


def write_pair(
    root: Path,
    case_id: str,
    shape: tuple[int, ...] = (8, 9, 10),
    mask_shape: tuple[int, ...] | None = None,
    affine: np.ndarray | None = None,
    mask_affine: np.ndarray | None = None,
    mask_type: type = np.uint8,
) -> None:
    """Write an image of random HU and a mask with one box of label 1, in `images/` and `labels/`."""
    rng = np.random.default_rng(list(case_id.encode()))
    mask = np.zeros(mask_shape or shape, mask_type)
    mask[2:5, 3:6, 4:7] = 1
    write_nifti(root / "images" / f"{case_id}.nii.gz", rng.normal(0, 100, shape).astype(np.float32), affine)
    mask_affine = affine if mask_affine is None else mask_affine
    write_nifti(root / "labels" / f"{case_id}.nii.gz", mask, mask_affine)
