"""Random affine motions of images, as StyleGAN2-ADA draws them (Karras et al. 2020, arXiv 2006.06676, appendix B)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def random_blits(n: int, size: Sequence[int], probability: Tensor, mirror_axes: Sequence[int]) -> Tensor:
    """Motions that only rearrange voxels: mirrors, quarter turns, shifts by whole voxels up to an eighth of an axis.

    In 3D a quarter turn is about one of the three axes.

    Args:
        n: how many to draw.
        size: spatial shape of the images, voxels.
        probability: how often each kind of motion is drawn at all; half of the drawn mirrors, and a quarter of the
            drawn turns, leave the image as it is.
        mirror_axes: spatial axes that may be mirrored.

    Returns:
        `(n, d + 1, d + 1)` homogeneous matrices in voxels, with the image's centre as the origin.
    """
    dims, device = len(size), probability.device
    matrix = torch.eye(dims + 1, device=device).repeat(n, 1, 1)
    for axis in mirror_axes:
        factors = torch.ones(n, dims, device=device)
        factors[:, axis] = gated(1.0 - 2.0 * torch.randint(2, (n,), device=device), probability, 1.0)
        matrix = matrix @ scaling(factors)
    turns = gated(torch.randint(4, (n,), device=device).float(), probability, 0.0)
    about = F.one_hot(torch.randint(3, (n,), device=device), 3).float()
    matrix = matrix @ rotation(turns * (math.pi / 2), about, dims).round()
    lengths = torch.tensor(size, device=device)
    shift = gated(torch.rand(n, dims, device=device) * 2 - 1, probability, 0.0)
    return matrix @ translation((shift * 0.125 * lengths).round())


def random_motions(n: int, size: Sequence[int], probability: Tensor) -> Tensor:
    """Isotropic scaling, rotation, anisotropic scaling, another rotation, and shifts by fractions of a voxel.

    Scaling is by 2 to the power of a Gaussian of deviation 0.2, shifts are Gaussian with an eighth of an axis, and one
    of the rotations is drawn with the probability given. In 3D a rotation is about a direction drawn uniformly, and
    anisotropic scaling stretches one axis and shrinks the other two, so that it keeps the volume, as it does in 2D.

    Arguments and result are those of `random_blits`.
    """
    dims, device = len(size), probability.device
    one_of_two = 1 - (1 - probability.clamp(max=1)).sqrt()
    matrix = scaling(gated(2 ** (0.2 * torch.randn(n, 1, device=device)), probability, 1.0).expand(n, dims))
    matrix = matrix @ _random_rotation(n, dims, one_of_two)
    stretch = gated(0.2 * torch.randn(n, 1, device=device), probability, 0.0)
    exponents = torch.tensor([-1 / (dims - 1)] * (dims - 1) + [1.0], device=device)
    matrix = matrix @ scaling(2 ** (stretch * exponents)) @ _random_rotation(n, dims, one_of_two)
    lengths = torch.tensor(size, device=device)
    return matrix @ translation(gated(torch.randn(n, dims, device=device), probability, 0.0) * 0.125 * lengths)


def moved(images: Tensor, matrices: Tensor) -> Tensor:
    """Move images, all channels alike; beyond its edges an image is continued by its mirror image.

    Values between voxels are interpolated linearly. The result can be differentiated twice by the images.

    Args:
        images: `(B, C, *spatial)`.
        matrices: `(B, d + 1, d + 1)`, from a voxel of the result to its place in the image, with the centre as origin.
    """
    axes = list(range(images.dim() - 3, -1, -1))  # grids name the last axis first
    lengths = torch.tensor(images.shape[2:], device=images.device)[axes]
    linear = matrices[:, axes][:, :, axes] * lengths / lengths[:, None]
    offset = 2 * matrices[:, axes, -1] / lengths
    grid = F.affine_grid(torch.cat([linear, offset[:, :, None]], dim=2), list(images.shape), align_corners=False)
    return _Sampling.apply(images, grid)


class _Sampling(torch.autograd.Function):
    """`grid_sample` at fixed places, a linear map of the image; PyTorch's own can be differentiated once only."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.shape = images.shape
        return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return _TransposedSampling.apply(gradients[0], ctx.saved_tensors[0], ctx.shape), None


class _TransposedSampling(torch.autograd.Function):
    """The transpose of `_Sampling`, whose own transpose is `_Sampling` again."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, grid: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(grid)
        with torch.enable_grad():
            images = gradient.new_zeros(shape).requires_grad_()
            sampled = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
        return torch.autograd.grad(sampled, images, gradient)[0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _Sampling.apply(gradients[0], ctx.saved_tensors[0]), None, None


def gated(values: Tensor, probability: Tensor, neutral: float) -> Tensor:
    """Keep each sample's values `(n, ...)` with a probability, else put the neutral value in their place."""
    chosen = torch.rand(len(values), *[1] * (values.dim() - 1), device=values.device) < probability
    return torch.where(chosen, values, neutral)


def scaling(factors: Tensor) -> Tensor:
    """Matrices `(n, d + 1, d + 1)` that scale along the axes by factors `(n, d)`."""
    return torch.diag_embed(F.pad(factors, [0, 1], value=1.0))


def translation(offsets: Tensor) -> Tensor:
    """Matrices `(n, d + 1, d + 1)` that shift by offsets `(n, d)`."""
    n, dims = offsets.shape
    matrix = torch.eye(dims + 1, device=offsets.device).repeat(n, 1, 1)
    matrix[:, :dims, dims] = offsets
    return matrix


def rotation(angle: Tensor, about: Tensor, dims: int) -> Tensor:
    """Matrices `(n, d + 1, d + 1)` that rotate by angles `(n,)`, radians.

    Args:
        angle: the angles.
        about: unit vectors `(n, 3)` to rotate about (Rodrigues' formula); not used in 2D.
        dims: 2 or 3.
    """
    cosine, sine = angle.cos()[:, None, None], angle.sin()[:, None, None]
    if dims == 2:
        cross = torch.tensor([[0.0, -1.0], [1.0, 0.0]], device=angle.device)
        turn = cosine * torch.eye(2, device=angle.device) + sine * cross
    else:
        one = torch.eye(3, device=angle.device)
        cross = torch.linalg.cross(about[:, None], one.expand(len(angle), 3, 3)).transpose(1, 2)
        turn = cosine * one + sine * cross + (1 - cosine) * about[:, :, None] * about[:, None]
    matrix = torch.eye(dims + 1, device=angle.device).repeat(len(angle), 1, 1)
    matrix[:, :dims, :dims] = turn
    return matrix


def _random_rotation(n: int, dims: int, probability: Tensor) -> Tensor:
    angle = gated((torch.rand(n, device=probability.device) * 2 - 1) * math.pi, probability, 0.0)
    return rotation(angle, F.normalize(torch.randn(n, 3, device=probability.device), dim=1), dims)
