"""Watch a training for collapse: samples that have become alike, or a discriminator that can't be fooled any more."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from synthtrial.atomic import atomic_file
from synthtrial.gans.base import GAN
from synthtrial.gans.model import save_generator

SATURATED = 0.995
"""A discriminator that is right this often gives the generator hardly any gradient."""
PATIENCE = 5
"""Checks in a row with a saturated discriminator that make a collapse."""


class CollapseWatch(pl.Callback):
    """At every checkpoint, compare the diversity of samples from fixed noise with that of real images.

    Diversity is the mean distance between two images of a batch; its ratio, synthetic to real, is near 1 for a sound
    generator and near 0 after mode collapse. An untrained generator's is low too, so only a ratio that falls below the
    limit after having been above it, or that is still below it at the end, counts. The averaged weights of the last
    good check are kept in `good.safetensors`.

    Args:
        real: images `(n, C, *spatial)` to compare with.
        smallest_diversity: ratio below which samples count as alike.
        folder: where `good.safetensors` is kept.
        seed: seed of the fixed noise.

    Attributes:
        reason: why the training counts as collapsed; empty while it is sound.
        checks: diversity and accuracy at every checkpoint.
    """

    def __init__(self, real: Tensor, smallest_diversity: float, folder: Path, seed: int) -> None:
        self.real_diversity = diversity(real)
        self.n = len(real)
        self.smallest_diversity = smallest_diversity
        self.good = folder / "good.safetensors"
        self.seed = seed
        self.reason = ""
        self.checks: list[dict[str, float]] = []

    @property
    def was_good(self) -> bool:
        """Whether any check has been good."""
        return any(check["good"] for check in self.checks)

    def on_train_epoch_end(self, trainer: pl.Trainer, gan: pl.LightningModule) -> None:
        """Judge the samples of this moment."""
        assert isinstance(gan, GAN)
        row = gan.history.rows[-1]
        self.check(gan, diversity(fixed_samples(gan, self.n, self.seed)), row.get("discriminator/accuracy", 0.0))

    def check(self, gan: GAN, found: float, accuracy: float) -> None:
        """Record a check; keep the weights when it is good, warn when the training has just gone bad."""
        was_sound = not self.reason
        ratio = found / max(self.real_diversity, 1e-12)
        check = {"images": gan.images_seen, "diversity": ratio, "accuracy": accuracy}
        recent = [earlier["accuracy"] for earlier in self.checks[1 - PATIENCE :]] + [accuracy]
        self.reason = ""
        if ratio < self.smallest_diversity:
            self.reason = (
                f"at {gan.images_seen} images the diversity of samples is {ratio:.2f} of the real one, "
                f"below {self.smallest_diversity}"
            )
        elif len(recent) == PATIENCE and min(recent) > SATURATED:
            self.reason = (
                f"at {gan.images_seen} images the discriminator is right on over {SATURATED:.1%} of images, "
                f"for the last {PATIENCE} checks"
            )
        self.checks.append(check | {"good": float(not self.reason)})
        if not self.reason:
            with atomic_file(self.good) as partial:
                save_generator(gan, partial)
        elif was_sound and self.was_good:
            warnings.warn(f"the generator has collapsed: {self.reason}", stacklevel=2)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"reason": self.reason, "checks": self.checks}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.reason = state_dict["reason"]
        self.checks = list(state_dict["checks"])


def fixed_samples(gan: GAN, n: int, seed: int) -> Tensor:
    """The same n samples `(n, C, *spatial)` at any time, drawn one by one to save memory; on the CPU, float32."""
    rng = torch.Generator().manual_seed(seed % 2**32)
    return torch.cat([gan.sample(1, rng).float().cpu() for _ in range(n)])


def diversity(images: Tensor | Sequence[Tensor]) -> float:
    """Mean Euclidean distance between two different images of `(n, C, *spatial)`; 0 for a single one."""
    flat = torch.stack(list(images)).flatten(1)
    n = len(flat)
    return float(torch.pdist(flat).mean()) if n > 1 else 0.0
