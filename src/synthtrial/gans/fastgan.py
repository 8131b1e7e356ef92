"""FastGAN: an image GAN for few cases and little computing (Liu et al. 2021, arXiv 2101.04775), in 2D and 3D."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from synthtrial.errors import ConfigError
from synthtrial.gans import ema
from synthtrial.gans.augmentation import Augmentation
from synthtrial.gans.base import GAN
from synthtrial.gans.draws import randint_for_all, randn
from synthtrial.gans.fastgan_levels import grids_of, low_level
from synthtrial.gans.fastgan_networks import Discriminator, Generator, part_at
from synthtrial.gans.fitting import as_size
from synthtrial.gans.layers import channels_last
from synthtrial.gans.losses import accuracy, check_loss, discriminator_terms, generator_terms
from synthtrial.gans.perceptual import PerceptualLoss
from synthtrial.gans.phases import Batch, Terms, adam
from synthtrial.gans.structural_similarity import ms_ssim_loss


class FastGAN(GAN):
    """A generator with skip-layer excitation against a discriminator that also learns to reconstruct.

    The generator makes an image and a low-resolution copy of it; the discriminator judges patches of both. So that it
    describes real images rather than learn by heart which they are, three decoders must give back from its features
    the whole image, the low-resolution copy, and a part at a random corner (equation 2).

    Deliberate differences from the authors' published code:

    - reconstructions are compared by their absolute error and MS-SSIM; with `perceptual_weights` by absolute error and
      VGG features, which is close to the published LPIPS; the log names what was used;
    - the low-resolution real image and the targets of the decoders are averaged, not subsampled, so that they have no
      aliasing; image and copy are augmented alike; the hinge has a fixed margin of 1;
    - both images end in tanh at every size, and the generator samples with the averages of its batch norms;
    - what the authors chose for 256, 512 and 1024 pixels is read as a rule by levels (see `fastgan_levels`), which
      any size from 32 on follows, any aspect ratio, and volumes; a start grid is rounded up, and a voxel cut after a
      doubling where a length is odd.

    Args:
        image_size: side of the image, or one length per axis, voxels: at least 32, and even; multiples of 4, 8 or 16
            where the shortest axis has more than 384, 768 or 1536 voxels.
        image_channels: channels C of the image, masks included.
        mask_channels: how many of the last channels hold masks.
        spatial_dims: 2 or 3.
        latent: length of the noise vector.
        width: channels of both networks at 128 x 128 in a square image, 64 as published; all others follow.
        loss: a loss of `losses`.
        reconstruction_weight: weight of the reconstruction losses.
        perceptual_weights: file for `perceptual.PerceptualLoss`, in 2D; null for MS-SSIM.
        lr_g: learning rate of the generator.
        lr_d: learning rate of the discriminator.
        betas: Adam's decay of the first and second moment.
        augment: keyword arguments of `augmentation.Augmentation`; null for none.

    Raises:
        ConfigError: for a size that it can't make, or perceptual weights in 3D.
    """

    generator: Generator
    generator_ema: Generator
    discriminator: Discriminator

    def __init__(
        self,
        *,
        image_size: int | Sequence[int],
        image_channels: int,
        mask_channels: int = 0,
        spatial_dims: int,
        latent: int,
        width: int,
        loss: str,
        reconstruction_weight: float,
        perceptual_weights: str | None = None,
        lr_g: float,
        lr_d: float,
        betas: Sequence[float],
        augment: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(adam(lr_g, betas), adam(lr_d, betas))
        size = as_size(image_size, spatial_dims)
        if not 0 <= mask_channels < image_channels:
            raise ConfigError(f"mask_channels={mask_channels} must be less than image_channels={image_channels}")
        if perceptual_weights is not None and spatial_dims != 2:
            raise ConfigError("perceptual_weights are for 2D images: set perceptual_weights=null for volumes")
        self.augment = Augmentation.from_config(augment, spatial_dims)
        self.mask_channels = mask_channels
        self.latent = latent
        self.loss = check_loss(loss)
        self.reconstruction_weight = reconstruction_weight
        self.perceptual = None if perceptual_weights is None else PerceptualLoss(perceptual_weights)
        grids = grids_of(size)
        self.low_size = grids[low_level(len(grids) - 1)]
        self.generator = Generator(size, image_channels, latent, width)
        self.discriminator = Discriminator(size, image_channels, width)
        channels_last(self)
        self.generator_ema = ema.frozen_copy(self.generator)

    def fake(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Images `(B, C, *size)` and their low-resolution copies `(B, C, *low)` from fresh noise."""
        return self.generator(randn(len(batch["real"]), self.latent, device=self.device))

    def discriminator_loss(self, real: Tensor, fake: tuple[Tensor, Tensor], batch: Batch) -> Terms:
        """The chosen loss on augmented images, and how far reconstructions are from the real ones.

        Real and fake are judged apart, so that neither enters the other's batch norm.
        """
        real, low = self.augmented(real, self.shrunk(real))
        features = self.discriminator.features(real, low)
        on_real = self.discriminator.logits(features)
        on_fake = self.discriminator(*self.augmented(*fake))
        self.history.add("discriminator/accuracy", accuracy(self.loss, on_real, on_fake))
        corner = [bool(end) for end in randint_for_all(0, 2, (real.dim() - 2,))]
        targets = (self.shrunk(real), self.shrunk(part_at(real, corner)), low)
        reconstructed = self.discriminator.reconstruct(features, corner)
        return discriminator_terms(self.loss, on_real, on_fake) | self.reconstruction_terms(reconstructed, targets)

    def generator_loss(self, fake: tuple[Tensor, Tensor], batch: Batch) -> Terms:
        """The chosen loss on augmented fakes."""
        return generator_terms(self.loss, self.discriminator(*self.augmented(*fake)))

    def augmented(self, image: Tensor, low: Tensor) -> list[Tensor]:
        """An image and its low-resolution copy, changed alike."""
        return self.augment.together(image, low, mask_channels=self.mask_channels)

    def shrunk(self, images: Tensor) -> Tensor:
        """Images `(B, C, *spatial)` averaged to the low resolution."""
        return F.interpolate(images, size=self.low_size, mode="area")

    def reconstruction_terms(self, images: Sequence[Tensor], targets: Sequence[Tensor]) -> Terms:
        """Absolute error, and dissimilarity to the eye, each summed over the decoders; masks are not for VGG."""
        terms: dict[str, list[Tensor]] = {"l1": [], "ms_ssim" if self.perceptual is None else "perceptual": []}
        for image, target in zip(images, targets, strict=True):
            terms["l1"].append(F.l1_loss(image, target))
            if self.perceptual is None:
                terms["ms_ssim"].append(ms_ssim_loss(image, target))
            else:
                channels = image.shape[1] - self.mask_channels
                terms["perceptual"].append(self.perceptual(image[:, :channels], target[:, :channels]))
        return {name: self.reconstruction_weight * torch.stack(values).sum() for name, values in terms.items()}

    @torch.no_grad()
    def decode(self, noise: Tensor, rng: torch.Generator, condition: Tensor | None = None) -> Tensor:
        """Make `(n, C, *size)` in [-1, 1] by the averaged generator."""
        return self.generator_ema(noise.to(self.device), rng)[0]
