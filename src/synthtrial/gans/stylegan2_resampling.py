"""Doubling and halving images with the filter [1, 3, 3, 1] of StyleGAN2 (Karras et al. 2019, arXiv 1912.04958)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def binomial_filter() -> Tensor:
    """[1, 3, 3, 1] / 8."""
    return torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8


def resampled(x: Tensor, taps: Tensor, *, padding: int, up: int = 1, down: int = 1) -> Tensor:
    """Filter `(B, C, *S)` along every axis, with zeros outside.

    Args:
        taps: the filter, `(4,)`, the same along every axis.
        padding: zeros around the image, voxels; with `up`, taken off the full result instead.
        up: 2 puts a zero after every voxel first.
        down: 2 keeps every second voxel of the result.
    """
    stride = up * down
    square = taps[:, None] * taps
    if x.dim() == 4:
        return _depthwise(x, square, (stride, stride), (padding, padding), up > 1)
    # Slice by slice, then across slices: three-dimensional depthwise convolutions are many times slower on CPUs.
    n, _, depth, _, _ = x.shape
    slices = _depthwise(x.transpose(1, 2).flatten(0, 1), square, (stride, stride), (padding, padding), up > 1)
    columns = slices.unflatten(0, (n, depth)).transpose(1, 2).flatten(3)
    return _depthwise(columns, taps[:, None], (stride, 1), (padding, 0), up > 1).unflatten(3, slices.shape[2:])


def _depthwise(x: Tensor, taps: Tensor, stride: tuple[int, int], padding: tuple[int, int], transposed: bool) -> Tensor:
    channels = x.shape[1]
    weight = taps.expand(channels, 1, *taps.shape)
    convolve = F.conv_transpose2d if transposed else F.conv2d
    return convolve(x, weight, stride=stride, padding=padding, groups=channels)
