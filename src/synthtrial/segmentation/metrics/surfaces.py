"""How far two surfaces are apart, in mm: the 95th percentile Hausdorff distance and the normalised surface distance.

The surface of a mask is the mesh of marching cubes (squares in 2D): its elements lie where a block of 2 x 2 x 2 voxels
is neither empty nor full, and each counts with its area. So a lesion on thick slices is not judged by its two large
caps alone, as it would be by counting border voxels. Nikolov et al. 2021, "Clinically Applicable Segmentation of Head
and Neck Anatomy for Radiotherapy", J Med Internet Res 23:e26151, define both figures:

    HD95 = max(P95(d(s, R) for s in surface P), P95(d(s, P) for s in surface R)),                                 (1)
    NSD = (|{s in P: d(s, R) <= t}| + |{s in R: d(s, P) <= t}|) / (|P| + |R|),                                    (2)

with |.| an area in mm2 (a length in mm in 2D), P95 the 95th percentile by area, and t the tolerance in mm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from synthtrial.segmentation.metrics.cropping import bounding_box

PERCENTILE = 0.95
"""Share of the surface that lies within HD95."""

ROUNDING_MM = 1e-4
"""Distances within this of the tolerance are within the tolerance: spacings come from single-precision affines."""


class Surfaces(NamedTuple):
    """Distances between two surfaces.

    Attributes:
        to_reference: distance of each element of the predicted surface from the reference surface, mm `(P,)`.
        to_prediction: distance of each element of the reference surface from the predicted surface, mm `(R,)`.
        predicted_area: area of each element of the predicted surface, mm2 (mm in 2D) `(P,)`.
        reference_area: the same of the reference surface `(R,)`.
    """

    to_reference: np.ndarray
    to_prediction: np.ndarray
    predicted_area: np.ndarray
    reference_area: np.ndarray


def measure_surfaces(prediction: np.ndarray, reference: np.ndarray, spacing_mm: Sequence[float]) -> Surfaces:
    """Distances between the surfaces of two masks `(*S)`, bool, neither of them empty.

    Works inside the bounding box of both, by a distance transform: its time follows from the box, however rugged the
    prediction of a bad model is.
    """
    # SciPy and MONAI take a second to import; the composer asks this package for the names of metrics.
    import torch
    from monai.metrics.utils import get_mask_edges
    from scipy.ndimage import distance_transform_edt

    # MONAI crops as well, but in many small steps that take longer than all the rest of a small case.
    box = bounding_box(prediction, reference)
    masks = (torch.from_numpy(np.pad(mask[box], 1)) for mask in (prediction, reference))
    found = get_mask_edges(*masks, crop=False, spacing=list(spacing_mm))
    predicted, drawn, predicted_area, drawn_area = (part.numpy() for part in found)
    return Surfaces(
        to_reference=distance_transform_edt(~drawn, sampling=spacing_mm)[predicted],
        to_prediction=distance_transform_edt(~predicted, sampling=spacing_mm)[drawn],
        predicted_area=predicted_area[predicted],
        reference_area=drawn_area[drawn],
    )


def hd95(surfaces: Surfaces) -> float:
    """95th percentile Hausdorff distance (1), mm."""
    return max(
        _percentile(surfaces.to_reference, surfaces.predicted_area),
        _percentile(surfaces.to_prediction, surfaces.reference_area),
    )


def nsd(surfaces: Surfaces, tolerance_mm: float) -> float:
    """Normalised surface distance (2), or surface Dice: 1 when all of both surfaces is within the tolerance, mm."""
    limit = tolerance_mm + ROUNDING_MM
    near = surfaces.predicted_area[surfaces.to_reference <= limit].sum(dtype=float)
    near += surfaces.reference_area[surfaces.to_prediction <= limit].sum(dtype=float)
    return float(near / (surfaces.predicted_area.sum(dtype=float) + surfaces.reference_area.sum(dtype=float)))


def diagonal_mm(shape: Sequence[int], spacing_mm: Sequence[float]) -> float:
    """Diagonal of an image, mm: no distance inside it is larger."""
    return float(np.linalg.norm(np.multiply(shape, spacing_mm)))


def _percentile(distances: np.ndarray, areas: np.ndarray) -> float:
    """The smallest of the distances that leaves at most 5 % of the area farther away."""
    order = distances.argsort()
    share = areas[order].cumsum(dtype=float)
    return float(distances[order][np.searchsorted(share, PERCENTILE * share[-1])])
