"""From a trained network to a label map on the grid that the radiologist drew on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch
from monai.inferers import SlidingWindowInferer

from synthtrial.errors import CohortError


def predict_probabilities(
    network: torch.nn.Module,
    images: torch.Tensor,
    patch_shape: tuple[int, ...] | None,
    overlap: float,
    flips: Sequence[int] = (),
) -> torch.Tensor:
    """Class probabilities of whole volumes, by a sliding window where the network was trained on smaller patches.

    Overlapping windows are averaged with Gaussian weights, which trust the centre of a window more than its border.
    With `flips`, the network sees the images mirrored along every combination of the axes, `2 ** len(flips)` times, and
    the mean of its answers, mirrored back, counts (nnU-Net, Isensee et al. 2021).

    Args:
        network: `(B, C, *patch) -> logits (B, 1 + L, *patch)`; it is put into evaluation mode.
        images: `(B, C, *S)` in [-1, 1].
        patch_shape: the shape that the network was trained on; None for whole volumes.
        overlap: share of two neighbouring windows that overlaps.
        flips: spatial axes to mirror, 0 for the first; none for the images as they are.

    Returns:
        Probabilities `(B, 1 + L, *S)`, float32, on the network's device; channel 0 is the background.
    """
    network.eval()
    images = images.to(next(network.parameters()).device)
    views = [[2 + axis for axis in axes] for n in range(len(flips) + 1) for axes in combinations(flips, n)]
    with torch.inference_mode():
        total = _unmirrored(network, images, patch_shape, overlap)
        for axes in views[1:]:
            total += _unmirrored(network, images.flip(axes), patch_shape, overlap).flip(axes)
        return total / len(views) if flips else total


def _unmirrored(
    network: torch.nn.Module, images: torch.Tensor, patch_shape: tuple[int, ...] | None, overlap: float
) -> torch.Tensor:
    if patch_shape is None or tuple(images.shape[2:]) == tuple(patch_shape):
        return network(images).float().softmax(1)
    window = SlidingWindowInferer(patch_shape, sw_batch_size=4, overlap=overlap, mode="gaussian")
    probabilities = window(images, lambda patches: network(patches).float().softmax(1))
    assert isinstance(probabilities, torch.Tensor)
    return probabilities


def to_original_grid(
    probabilities: torch.Tensor,
    prepared_affine: np.ndarray,
    reference_affine: np.ndarray,
    reference_shape: tuple[int, ...],
) -> np.ndarray:
    """Resample each class's probability linearly to another grid and take the most probable class there.

    Both grids have the same axes, as preparation never rotates, so that the resampling is one small matrix per axis.
    Where the grids differ by whole voxels only, the result is an exact crop and pad. A voxel whose centre lies
    outside the prepared volume is background; in the outer half of a border voxel the border's value holds.

    Args:
        probabilities: `(1 + L, *S)`.
        prepared_affine: voxel-to-world matrix (4, 4) of the prepared grid, mm.
        reference_affine: the same of the wanted grid.
        reference_shape: voxels per axis of the wanted grid.

    Returns:
        Label map, uint8 `(*reference_shape)`.

    Raises:
        CohortError: when the grids are rotated against each other.
    """
    scale, offset = _scale_and_offset(prepared_affine, reference_affine, reference_shape)
    labels = np.zeros(reference_shape, np.uint8)
    inside = []
    for axis, n_reference in enumerate(reference_shape):
        n_prepared = probabilities.shape[1 + axis]
        # Rounding keeps grids that coincide exact in spite of affines stored in single precision.
        positions = np.round(scale[axis] * np.arange(n_reference) + offset[axis], 4)
        within = np.flatnonzero((positions >= -0.5) & (positions <= n_prepared - 0.5))
        if within.size == 0:
            return labels
        inside.append(slice(within[0], within[-1] + 1))
        weights = torch.from_numpy(_linear_weights(positions[within], n_prepared)).to(probabilities)
        probabilities = torch.tensordot(probabilities, weights, dims=([1 + axis], [1])).movedim(-1, 1 + axis)
    labels[tuple(inside)] = probabilities.argmax(0).to(torch.uint8).cpu().numpy()
    return labels


def _scale_and_offset(
    prepared_affine: np.ndarray, reference_affine: np.ndarray, reference_shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Per axis, `prepared voxel = scale * reference voxel + offset`."""
    dims = len(reference_shape)
    matrix = np.linalg.inv(prepared_affine) @ reference_affine
    linear = matrix[:dims, :dims]
    drift = np.abs(linear - np.diag(np.diag(linear))) @ np.array(reference_shape)  # voxels, at the far corner
    if drift.max() > 0.1 or np.diag(linear).min() <= 0:
        raise CohortError(
            "the prepared grid and the original one have different axes, so predictions can't be carried back; "
            f"reference to prepared voxels: {np.round(linear, 4).tolist()}. Prepare the cohort again"
        )
    return np.diag(linear), matrix[:dims, 3]


def _linear_weights(positions: np.ndarray, n_samples: int) -> np.ndarray:
    """Matrix `(positions, n_samples)` of linear interpolation; beyond the first and last sample their values hold."""
    clamped = np.clip(positions, 0, n_samples - 1)
    lower = np.floor(clamped).astype(int)
    upper = np.minimum(lower + 1, n_samples - 1)
    rows = np.arange(len(positions))
    weights = np.zeros((len(positions), n_samples), np.float32)
    weights[rows, lower] = 1 - (clamped - lower)
    weights[rows, upper] += clamped - lower
    return weights
