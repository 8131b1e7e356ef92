"""Adaptive discriminator augmentation, ADA (Karras et al. 2020, arXiv 2006.06676), for images with masks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from synthtrial.errors import ConfigError
from synthtrial.gans.affine_augmentation import moved, random_blits, random_motions
from synthtrial.gans.colour_augmentation import recoloured
from synthtrial.gans.precision import full_precision
from synthtrial.processes import place, summed


class AdaptiveAugmentation(nn.Module):
    """Change what the discriminator sees, real and fake alike, the more often the more it overfits.

    Overfitting shows in r_t = E[sign(D(real))], equation 1: near 0 the discriminator can't tell, near 1 it knows every
    real image. When r_t is above its target, each change becomes more likely by a fixed step, else less likely. As long
    as it stays below about 0.8, the generator doesn't learn to make changed images (section 3.1).

    Motions meet all channels alike, changes of colour the image but not its masks. All motions of a sample are one
    linear interpolation; the published code works at twice the resolution with a wavelet filter there. Images with more
    channels than three or with two, which the paper has not, are recoloured like grey ones.

    Args:
        spatial_dims: 2 or 3.
        mask_channels: how many of the last channels are masks.
        target: r_t to steer to, 0.6 in the paper; null keeps the probability as it is.
        images_per_unit: images after which the probability can have grown from 0 to 1; 500,000 in the paper.
        every: batches between two steps of the probability; 4 in the paper.
        probability: probability to start from.
        mirror_axes: spatial axes that may be mirrored; the paper mirrors right and left.
        blits: whether to mirror, turn by quarters, and shift by whole voxels.
        motions: whether to scale, rotate, and shift by fractions of voxels.
        colours: whether to change brightness, contrast and colour.

    Attributes:
        probability: how often each change is drawn now, a scalar.

    Raises:
        ConfigError: for a value out of range, or an axis that the images don't have.
    """

    probability: Tensor
    sign_sum: Tensor
    images: Tensor

    def __init__(
        self,
        spatial_dims: int,
        mask_channels: int,
        *,
        target: float | None = 0.6,
        images_per_unit: int = 500_000,
        every: int = 4,
        probability: float = 0.0,
        mirror_axes: Sequence[int] = (),
        blits: bool = True,
        motions: bool = True,
        colours: bool = True,
    ) -> None:
        super().__init__()
        if not 0 <= probability <= 1:
            raise ConfigError(f"augment.probability={probability} must lie in [0, 1]")
        if target is not None and not -1 <= target <= 1:
            raise ConfigError(f"augment.target={target} must lie in [-1, 1]: it is a mean of signs")
        if images_per_unit < 1 or every < 1:
            raise ConfigError(f"augment.images_per_unit={images_per_unit} and augment.every={every} must be at least 1")
        for axis in mirror_axes:
            if axis not in range(spatial_dims):
                raise ConfigError(f"augment: there is no spatial axis {axis}; there are 0 to {spatial_dims - 1}")
        self.mask_channels = mask_channels
        self.target, self.images_per_unit, self.every = target, images_per_unit, every
        self.mirror_axes, self.blits, self.motions, self.colours = tuple(mirror_axes), blits, motions, colours
        self.register_buffer("probability", torch.tensor(float(probability)))
        self.register_buffer("sign_sum", torch.zeros(()))
        self.register_buffer("images", torch.zeros(()))

    def forward(self, images: Tensor) -> Tensor:
        """Change every sample of `(B, C, *spatial)` in its own way; gradients pass through, also twice.

        In full precision: bfloat16 has too few digits for places in an image.
        """
        with full_precision(images.device):
            return self.changed(images.float())

    def changed(self, images: Tensor) -> Tensor:
        """What `forward` does."""
        n, size = len(images), images.shape[2:]
        matrix = None
        if self.blits:
            matrix = random_blits(n, size, self.probability, self.mirror_axes)
        if self.motions:
            motion = random_motions(n, size, self.probability)
            matrix = motion if matrix is None else matrix @ motion
        if matrix is not None:
            images = moved(images, matrix)
        if not self.colours:
            return images
        image, mask = images.split([images.shape[1] - self.mask_channels, self.mask_channels], dim=1)
        return torch.cat([recoloured(image, self.probability), mask], dim=1)

    @torch.no_grad()
    def observe(self, logits: Tensor) -> None:
        """Take note of the discriminator's logits on real images, in all processes."""
        self.sign_sum += summed(logits.sign().sum())
        self.images += logits.numel() * place()[1]

    @torch.no_grad()
    def adapt(self, batch_size: int) -> None:
        """Move the probability when `every` batches of `batch_size` images have been observed.

        Nothing waits for the device.
        """
        if self.target is None:
            return
        due = self.images >= self.every * batch_size
        direction = (self.sign_sum / self.images.clamp(min=1) - self.target).sign()
        step = direction * self.images / self.images_per_unit
        self.probability.copy_(torch.where(due, self.probability + step, self.probability).clamp(0, 1))
        for count in (self.sign_sum, self.images):
            count.masked_fill_(due, 0.0)
