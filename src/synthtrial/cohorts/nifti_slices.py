"""2D slices of 3D scans in HU: of each scan the axial slice with the most lesion."""

from __future__ import annotations

import numpy as np

from synthtrial.cohorts.case import CaseRef, RawCase
from synthtrial.cohorts.nifti_pairs import NiftiPairs
from synthtrial.cohorts.resampling import to_ras
from synthtrial.errors import CohortError


class NiftiSlices(NiftiPairs):
    """One slice per scan of a folder of NIfTI images and masks, as a 2D cohort that keeps its HU and its pixel size.

    It is configured, and finds its scans, as `NiftiPairs` does.
    """

    spatial_dims = 2

    def read(self, ref: CaseRef) -> RawCase:
        """Read a scan and keep the axial slice with the most lesion voxels.

        Raises:
            CohortError: when the scan has no mask; and as `read_pair` does.
        """
        scan = to_ras(super().read(ref))
        if scan.mask is None:
            raise CohortError(f"case {ref.case_id}: a slice is chosen by its lesion, but the case has no mask")
        return axial_slice(scan, int(np.argmax((scan.mask > 0).sum((0, 1)))))


def axial_slice(scan: RawCase, z: int) -> RawCase:
    """One slice of a RAS scan `(C, X, Y, Z)` as on a screen: rows from front to back, columns from right to left."""
    assert scan.mask is not None
    image = np.ascontiguousarray(scan.image[:, ::-1, ::-1, z].swapaxes(1, 2))
    mask = np.ascontiguousarray(scan.mask[::-1, ::-1, z].T)
    affine = np.diag([scan.spacing[1], scan.spacing[0], 1.0, 1.0])
    return RawCase(scan.ref, image, mask, affine, scan.warnings)
