"""What every generator can do once it has learned, whatever it learned by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import pytorch_lightning as pl
import torch
from torch import Tensor


class Generator(pl.LightningModule):
    """A source of synthetic cases: a network that was trained by steps (`base.GAN`), or a control (`controls`).

    Attributes:
        saved_networks: names of the modules and buffers that `generator.safetensors` keeps.
        conditions_on: what `sample` must be told, and what the data loader therefore gives: nothing, the index of a
            class (`label`), a case to translate (`source`), the channels of a mask (`mask`), or the number of the draw
            (`index`).
        makes_masks: whether a family that takes masks can do without, and draw its own.
        takes_class: whether a family that is given several classes is then told which one to make.
        uses_unlabelled: whether it also learns from cases without any of its classes.
        latent: length of the noise vector that samples start from; 0 for a family that starts from no vector.
        seed: of all that is random while it learns.
    """

    saved_networks: ClassVar[tuple[str, ...]] = ()
    conditions_on: Literal["", "label", "source", "mask", "index"] = ""
    makes_masks: bool = False
    takes_class: ClassVar[bool] = False
    uses_unlabelled: ClassVar[bool] = False
    latent: int = 0
    seed: int = 0

    @property
    def limit(self) -> int | None:
        """How many different samples there are; None for as many as one likes."""
        return None

    def draw_noise(self, n: int, rng: torch.Generator) -> Tensor | None:
        """Standard normal noise `(n, ...)` for n samples, on the CPU; None for a family that starts from none."""
        return torch.randn(n, self.latent, generator=rng) if self.latent else None

    def decode(self, noise: Tensor, rng: torch.Generator, condition: Tensor | None = None) -> Tensor:
        """Make `(n, C, *spatial)` in [-1, 1] from noise, by the averaged generator.

        Args:
            noise: `(n, ...)`, as `draw_noise` or `encode` makes it.
            rng: a CPU generator for what else is random inside, such as a style's noise.
            condition: see `sample`.
        """
        raise NotImplementedError

    def sample(self, n: int, rng: torch.Generator, condition: Tensor | None = None) -> Tensor:
        """Draw `(n, C, *spatial)` in [-1, 1] from the averaged generator.

        Args:
            n: how many.
            rng: a CPU generator, which all noise is drawn from.
            condition: one per sample, see `conditions_on`: `(n,)` class indices or numbers of draws, `(n, C, *spatial)`
                cases to translate, or `(n, labels, *spatial)` masks, 1 inside and -1 outside.
        """
        noise = self.draw_noise(n, rng)
        if noise is None:
            raise NotImplementedError
        return self.decode(noise, rng, condition)

    def encode(self, images: Tensor) -> Tensor | None:
        """The noise `(B, ...)` that gives images `(B, C, *spatial)` again; None for a family without an encoder."""
        return None

    def reconstruct(self, images: Tensor, labels: Tensor | None = None) -> Tensor | None:
        """Encode images `(B, C, *spatial)`, of classes `(B,)` where the family has them, and generate them again.

        None for a family without an encoder.
        """
        return None

    def make_room(self, weights: Mapping[str, Tensor]) -> None:
        """Get ready to load tensors by name; only for a family whose sizes follow from what it has learned."""
