"""NiftiSlices: one slice per scan, the one with the most lesion, as on a screen."""

from __future__ import annotations

import numpy as np
from nifti_files import write_nifti

from synthtrial.cohorts.nifti_slices import NiftiSlices


def test_the_slice_with_the_most_lesion_as_on_a_screen(tmp_path):
    hu = np.zeros((8, 9, 10), np.float32)
    mask = np.zeros((8, 9, 10), np.uint8)
    mask[2:4, 3:5, 4] = 1
    mask[1, 2:7, 6] = 1  # five voxels: right, in the middle
    hu[7, 8, 6] = 100  # left and front in RAS+: x up to the right
    affine = np.diag([2.0, 3.0, 5.0, 1.0])
    write_nifti(tmp_path / "images/a.nii.gz", hu, affine)
    write_nifti(tmp_path / "labels/a.nii.gz", mask, affine)
    reader = NiftiSlices(
        name="test", root=str(tmp_path), image="images/{case}.nii.gz", mask="labels/{case}.nii.gz", labels={"lesion": 1}
    )
    (ref,) = reader.find()
    case = reader.read(ref)
    assert case.image.shape == (1, 9, 8) and case.mask.sum() == 5
    assert case.spacing == (3.0, 2.0)
    assert case.image[0, 0, 0] == 100  # front is at the top; +x, the patient's right here, at the left
    assert case.mask[:, 6].sum() == 5
