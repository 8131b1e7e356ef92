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
from synthtrial.gans.conditions import FixedSamples
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
    good check are kept in `good.safetensors`, and a training that stays collapsed is stopped.

    Args:
        real: images `(n, C, *spatial)` to compare with.
        samples: draws as many samples, the same at every check.
        smallest_diversity: ratio below which samples count as alike.
        patience: checks in a row, after a good one, that find a collapse before training is stopped; None for never.
        folder: where `good.safetensors` is kept.

    Attributes:
        reason: why the training counts as collapsed; empty while it is sound.
        checks: diversity and accuracy at every checkpoint.
    """

    def __init__(
        self, real: Tensor, samples: FixedSamples, smallest_diversity: float, patience: int | None, folder: Path
    ) -> None:
        self.real_diversity = diversity(real)
        self.samples = samples
        self.smallest_diversity = smallest_diversity
        self.patience = patience
        self.good = folder / "good.safetensors"
        self.reason = ""
        self.checks: list[dict[str, float]] = []

    @property
    def was_good(self) -> bool:
        """Whether any check has been good."""
        return any(check["good"] for check in self.checks)

    @property
    def gave_up(self) -> bool:
        """Whether the last checks have all found a collapse, after a good one."""
        last = self.checks[-self.patience :] if self.patience else []
        return self.was_good and len(last) == self.patience and not any(check["good"] for check in last)

    def on_train_start(self, trainer: pl.Trainer, gan: pl.LightningModule) -> None:
        """Don't go on where the training had been stopped."""
        trainer.should_stop = self.gave_up

    def on_train_epoch_end(self, trainer: pl.Trainer, gan: pl.LightningModule) -> None:
        """Judge the samples of this moment, in the first of several processes."""
        assert isinstance(gan, GAN)
        if trainer.is_global_zero:
            row = gan.history.rows[-1]
            self.check(gan, diversity(self.samples(gan)), row.get("discriminator/accuracy", 0.0))
        trainer.should_stop = trainer.strategy.broadcast(self.gave_up)

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


def diversity(images: Tensor | Sequence[Tensor]) -> float:
    """Mean Euclidean distance between two different images of `(n, C, *spatial)`; 0 for a single one."""
    flat = torch.stack(list(images)).flatten(1)
    n = len(flat)
    return float(torch.pdist(flat).mean()) if n > 1 else 0.0
