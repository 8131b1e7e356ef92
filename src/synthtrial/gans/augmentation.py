"""Differentiable augmentation of what a discriminator sees, real and fake alike, image and mask moved together.

With few cases a discriminator learns them by heart; shown moved copies, it can't. The same random moves meet real and
fake, and pass gradients on (Zhao et al. 2020, arXiv 2006.10738). A mirror must be rarer than one half of the time, or
the generator can't tell which way round is right (Karras et al. 2020, arXiv 2006.06676, appendix C).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from synthtrial.errors import ConfigError


class Augmentation:
    """Random shifts and mirrors of `(B, C, *spatial)`, drawn per sample from torch's global random numbers.

    Args:
        shift: largest shift along each of the shift axes, as a fraction of its length; what moves in holds -1.
        shift_axes: spatial axes that are shifted, 0 is the first; None for all.
        mirror_axes: spatial axes that may be mirrored.
        mirror_probability: how often each of them is.

    Raises:
        ConfigError: when mirrors would be as frequent as originals, or nothing would be left in place.
    """

    def __init__(
        self,
        *,
        shift: float = 0.0,
        shift_axes: Sequence[int] | None = None,
        mirror_axes: Sequence[int] = (),
        mirror_probability: float = 0.25,
    ) -> None:
        if not 0 <= mirror_probability < 0.5:
            raise ConfigError(f"augment.mirror_probability={mirror_probability} must lie in [0, 0.5)")
        if not 0 <= shift < 1:
            raise ConfigError(f"augment.shift={shift} must lie in [0, 1): it is a fraction of each axis")
        self.shift = shift
        self.shift_axes = shift_axes
        self.mirror_axes = tuple(mirror_axes)
        self.mirror_probability = mirror_probability

    def check_axes(self, spatial_dims: int) -> None:
        """Raise a ConfigError for an axis that the images don't have."""
        for axis in (*self.mirror_axes, *(self.shift_axes or ())):
            if axis not in range(spatial_dims):
                raise ConfigError(f"augment: there is no spatial axis {axis}; there are 0 to {spatial_dims - 1}")

    def __call__(self, images: Tensor) -> Tensor:
        """Move every sample of `(B, C, *spatial)` in its own way."""
        return self.together(images)[0]

    def together(self, *views: Tensor) -> list[Tensor]:
        """Move several views of the same samples alike, such as an image and its low-resolution copy.

        Args:
            views: `(B, C, *spatial)` each. Along the axes that move, the lengths are multiples of the smallest view's,
                and shifts are whole voxels of that one.
        """
        n, dims = len(views[0]), views[0].dim() - 2
        smallest = min(views, key=lambda view: view.shape[-1])
        if self.shift:
            for axis in range(dims) if self.shift_axes is None else self.shift_axes:
                length = smallest.shape[2 + axis]
                most = round(self.shift * length)
                steps = torch.randint(-most, most + 1, (n,)).tolist()
                views = tuple(shifted(view, 2 + axis, steps, view.shape[2 + axis] // length) for view in views)
        for axis in self.mirror_axes:
            mirrored = (torch.rand(n) < self.mirror_probability).view(n, *[1] * (dims + 1)).to(views[0].device)
            views = tuple(torch.where(mirrored, view.flip(2 + axis), view) for view in views)
        return list(views)


def shifted(images: Tensor, axis: int, steps: Sequence[int], unit: int) -> Tensor:
    """Shift sample b by `steps[b] * unit` voxels along a tensor axis; what moves in holds -1."""
    length, margin = images.shape[axis], unit * max(map(abs, steps))
    padding = [0, 0] * (images.dim() - 1 - axis) + [margin, margin]
    padded = F.pad(images, padding, value=-1.0)
    return torch.stack(
        [sample.narrow(axis - 1, margin - step * unit, length) for sample, step in zip(padded, steps, strict=True)]
    )
