"""Differentiable augmentation of what a discriminator sees, real and fake alike, image and mask moved together.

With few cases a discriminator learns them by heart; shown moved and recoloured copies, it can't. Real and fake meet
random changes of one kind, which pass gradients on (Zhao et al. 2020, arXiv 2006.10738). A mirror must be rarer than
one half of the time, or the generator can't tell which way round is right (Karras et al. 2020, arXiv 2006.06676,
appendix C).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from synthtrial.errors import ConfigError
from synthtrial.gans.draws import rand, randint
from synthtrial.gans.settings import check_keys


class Augmentation:
    """Random colours, shifts and mirrors of `(B, C, *spatial)`, drawn per sample from torch's global random numbers.

    Colours change in the order and by the formulas of Zhao et al.: brightness, saturation, contrast. They are for the
    image; channels that hold a mask keep their values.

    Args:
        shift: largest shift along each of the shift axes, as a fraction of its length; what moves in holds -1.
        shift_axes: spatial axes that are shifted, 0 is the first; None for all.
        mirror_axes: spatial axes that may be mirrored.
        mirror_probability: how often each of them is.
        brightness: most that is added to or taken from every voxel, in units of the images' scale, -1 to 1.
        contrast: most that a voxel's distance from the image's mean is enlarged or reduced by, as a fraction.
        saturation: most that a voxel's distance from its grey is enlarged or reduced by, as a fraction; images that
            don't have three channels stay as they are.

    Raises:
        ConfigError: when mirrors would be as frequent as originals, nothing would be left in place, or a colour would
            turn into its opposite.
    """

    def __init__(
        self,
        *,
        shift: float = 0.0,
        shift_axes: Sequence[int] | None = None,
        mirror_axes: Sequence[int] = (),
        mirror_probability: float = 0.25,
        brightness: float = 0.0,
        contrast: float = 0.0,
        saturation: float = 0.0,
    ) -> None:
        if not 0 <= mirror_probability < 0.5:
            raise ConfigError(f"augment.mirror_probability={mirror_probability} must lie in [0, 0.5)")
        if not 0 <= shift < 1:
            raise ConfigError(f"augment.shift={shift} must lie in [0, 1): it is a fraction of each axis")
        for name, most in {"brightness": brightness, "contrast": contrast, "saturation": saturation}.items():
            if not 0 <= most <= 1:
                raise ConfigError(f"augment.{name}={most} must lie in [0, 1]")
        self.shift = shift
        self.shift_axes = shift_axes
        self.mirror_axes = tuple(mirror_axes)
        self.mirror_probability = mirror_probability
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation

    @classmethod
    def from_config(cls, settings: dict[str, Any] | None, spatial_dims: int) -> Augmentation:
        """Read a family's `augment` subtree; None changes nothing.

        Raises:
            ConfigError: for an unknown key, a wrong value, or an axis that the images don't have.
        """
        check_keys(settings or {}, "augment", cls)
        augmentation = cls(**(settings or {}))
        augmentation.check_axes(spatial_dims)
        return augmentation

    def check_axes(self, spatial_dims: int) -> None:
        """Raise a ConfigError for an axis that the images don't have."""
        for axis in (*self.mirror_axes, *(self.shift_axes or ())):
            if axis not in range(spatial_dims):
                raise ConfigError(f"augment: there is no spatial axis {axis}; there are 0 to {spatial_dims - 1}")

    def __call__(self, images: Tensor, mask_channels: int | None = None) -> Tensor:
        """Change every sample of `(B, C, *spatial)` in its own way; see `together`."""
        return self.together(images, mask_channels=mask_channels)[0]

    def together(self, *views: Tensor, mask_channels: int | None = None) -> list[Tensor]:
        """Change several views of the same samples alike, such as an image and its low-resolution copy.

        Args:
            views: `(B, C, *spatial)` each. Along the axes that move, the lengths are multiples of the smallest view's,
                and shifts are whole voxels of that one.
            mask_channels: how many of the last channels hold masks; None when the caller can't tell.

        Raises:
            ConfigError: when colours are to change, but nobody knows which channels are the image's.
        """
        if self.brightness or self.contrast or self.saturation:
            if mask_channels is None:
                raise ConfigError(
                    "augment: this generator can't tell image from mask channels; set brightness, contrast and "
                    "saturation to 0, or choose fastgan or pix2pix"
                )
            views = self.recoloured(views, mask_channels)
        return self.moved(views)

    def recoloured(self, views: tuple[Tensor, ...], mask_channels: int) -> tuple[Tensor, ...]:
        """Change brightness, saturation and contrast of all channels but the last `mask_channels`."""
        shape = (len(views[0]), *[1] * (views[0].dim() - 1))
        brightness, saturation, contrast = (
            most * (2 * rand(*shape) - 1).to(views[0]) if most else None
            for most in (self.brightness, self.saturation, self.contrast)
        )
        changed = []
        for view in views:
            image, mask = view.split([view.shape[1] - mask_channels, mask_channels], dim=1)
            if brightness is not None:
                image = image + brightness
            if saturation is not None and image.shape[1] == 3:
                image = torch.lerp(image.mean(1, keepdim=True), image, 1 + saturation)
            if contrast is not None:
                image = torch.lerp(image.mean(tuple(range(1, image.dim())), keepdim=True), image, 1 + contrast)
            changed.append(torch.cat([image, mask], dim=1))
        return tuple(changed)

    def moved(self, views: tuple[Tensor, ...]) -> list[Tensor]:
        """Shift and mirror all channels."""
        n, dims = len(views[0]), views[0].dim() - 2
        smallest = min(views, key=lambda view: view.shape[-1])
        if self.shift:
            for axis in range(dims) if self.shift_axes is None else self.shift_axes:
                length = smallest.shape[2 + axis]
                most = round(self.shift * length)
                steps = randint(-most, most + 1, n).tolist()
                views = tuple(shifted(view, 2 + axis, steps, view.shape[2 + axis] // length) for view in views)
        for axis in self.mirror_axes:
            mirrored = (rand(n) < self.mirror_probability).view(n, *[1] * (dims + 1)).to(views[0].device)
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
