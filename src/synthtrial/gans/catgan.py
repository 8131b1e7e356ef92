"""CatGAN: categorical GAN (Springenberg 2016, arXiv 1511.06390) in 2D and 3D."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from synthtrial.errors import ConfigError
from synthtrial.gans import ema
from synthtrial.gans.augmentation import Augmentation
from synthtrial.gans.base import GAN
from synthtrial.gans.dcgan import WIDTHS, with_layers
from synthtrial.gans.dcgan_networks import Discriminator, Generator
from synthtrial.gans.draws import randn
from synthtrial.gans.fitting import as_size
from synthtrial.gans.labels import cross_entropy, labels_of
from synthtrial.gans.layers import channels_last
from synthtrial.gans.phases import Batch, Terms, adam
from synthtrial.gans.settings import check_keys


class CatGAN(GAN):
    """A discriminator that sorts cases into K classes, surely when they are real and not at all when they are fake.

    It has no logit for real or fake: what tells them apart is the entropy of the class probabilities p(y|x), low for a
    real case and high for a fake. The generator makes cases that are sorted surely, and into all classes evenly. Cases
    with a known class are sorted into it, and those without one train as well, so the discriminator also becomes a
    classifier. The generator can't be asked for a class.

    Equations 7 and 9 of the paper, with H the entropy in nats and means over a batch:

        D minimises  E[H(p(y|x))] - H(E[p(y|x)]) - E[H(p(y|G(z)))] + label_weight CE(y, p(y|x))
        G minimises  E[H(p(y|G(z)))] - H(E[p(y|G(z))])

    The marginal entropies H(E[p]) ask for classes that are about equally frequent. They come from the cases of one
    batch, or of one of its pieces under `train.accumulate`, which should be several times K; with one case they cancel
    the entropies before them. The networks are those of DCGAN, with K logits.

    Args:
        image_size: side of the image, or one length per axis, voxels.
        image_channels: channels C of the image, masks included.
        spatial_dims: 2 or 3.
        latent: length of the noise vector.
        categories: K when no classes are known: groups that the cases fall into by themselves.
        generator: keyword arguments of `dcgan_networks.Generator`, or `width` and `max_channels`.
        discriminator: keyword arguments of `dcgan_networks.Discriminator`, or `width` and `max_channels`.
        label_weight: weight of the cross-entropy of cases with a known class; 0 for an unsupervised CatGAN.
        lr_g: learning rate of the generator.
        lr_d: learning rate of the discriminator.
        betas: Adam's decay of the first and second moment.
        augment: keyword arguments of `augmentation.Augmentation`; null for none.
        n_classes: K when there are classes; 0 for `categories`.

    Raises:
        ConfigError: when the strides don't divide the image size, or K is below 2.
    """

    saved_networks: ClassVar[tuple[str, ...]] = ("generator_ema", "discriminator")
    uses_unlabelled = True

    def __init__(
        self,
        *,
        image_size: int | Sequence[int],
        image_channels: int,
        spatial_dims: int,
        latent: int,
        categories: int,
        generator: dict[str, Any],
        discriminator: dict[str, Any],
        label_weight: float,
        lr_g: float,
        lr_d: float,
        betas: Sequence[float],
        augment: dict[str, Any] | None = None,
        n_classes: int = 0,
    ) -> None:
        super().__init__(adam(lr_g, betas), adam(lr_d, betas))
        size = as_size(image_size, spatial_dims)
        self.latent = latent
        self.n_classes = n_classes
        self.categories = n_classes or categories
        if self.categories < 2:
            raise ConfigError(f"categories={categories} must be at least 2, or there is nothing to tell apart")
        if label_weight < 0:
            raise ConfigError(f"label_weight={label_weight} must be at least 0")
        self.label_weight = label_weight
        check_keys(generator, "generator", Generator, also=WIDTHS)
        check_keys(discriminator, "discriminator", Discriminator, also=WIDTHS)
        self.augment = Augmentation.from_config(augment, spatial_dims)
        self.generator = Generator(size, image_channels, latent, **with_layers(generator, "generator", size))
        self.discriminator = Discriminator(
            size, image_channels, self.categories, **with_layers(discriminator, "discriminator", size)
        )
        channels_last(self)
        self.generator_ema = ema.frozen_copy(self.generator)

    def fake(self, batch: Batch) -> Tensor:
        """Samples `(B, C, *spatial)` from fresh noise."""
        return self.generator(randn(len(batch["real"]), self.latent, device=self.device))

    def discriminator_loss(self, real: Tensor, fake: Tensor, batch: Batch) -> Terms:
        """Equation 9 of the paper on augmented real and fake images, judged in one pass; equation 7 without classes."""
        logits = self.discriminator(self.augment(torch.cat([real, fake]))).float()
        on_real, on_fake = logits.softmax(dim=1).chunk(2)
        self.history.add("discriminator/accuracy", accuracy(on_real, on_fake))
        terms = {
            "real": conditional_entropy(on_real),
            "real_marginal": -marginal_entropy(on_real),
            "fake": -conditional_entropy(on_fake),
        }
        if self.n_classes:
            terms["label"] = self.label_weight * cross_entropy(logits[: len(real)], labels_of(batch))
        return terms

    def generator_loss(self, fake: Tensor, batch: Batch) -> Terms:
        """The generator's part of equation 7 of the paper, on augmented fakes."""
        on_fake = self.class_probabilities(self.augment(fake))
        return {"fake": conditional_entropy(on_fake), "fake_marginal": -marginal_entropy(on_fake)}

    def class_probabilities(self, images: Tensor) -> Tensor:
        """p(y|x) `(B, K)` of images `(B, C, *spatial)`: of the classes in their order, or of the categories."""
        return self.discriminator(images).float().softmax(dim=1)

    @torch.no_grad()
    def decode(self, noise: Tensor, rng: torch.Generator, condition: Tensor | None = None) -> Tensor:
        """Make `(n, C, *spatial)` in [-1, 1] by the averaged generator."""
        return self.generator_ema(noise.to(self.device))


def entropy(p: Tensor) -> Tensor:
    """Entropy `(...)` in nats of probabilities `(..., K)`; its gradient is finite at 0, too."""
    return -(p * p.clamp(min=1e-12).log()).sum(dim=-1)


def conditional_entropy(p: Tensor) -> Tensor:
    """How unsure the classes of single cases are, `E[H(p(y|x))]`, from p `(B, K)`; equations 4 and 5."""
    return entropy(p).mean()


def marginal_entropy(p: Tensor) -> Tensor:
    """How evenly all cases together use the classes, `H(E[p(y|x)])`, from p `(B, K)`; equation 6."""
    return entropy(p.mean(dim=0))


@torch.no_grad()
def accuracy(on_real: Tensor, on_fake: Tensor) -> Tensor:
    """Share of real cases with less, and of fakes with more, than half the largest entropy, from p `(B, K)`."""
    middle = math.log(on_real.shape[1]) / 2
    return torch.cat([entropy(on_real) < middle, entropy(on_fake) > middle]).float().mean()
