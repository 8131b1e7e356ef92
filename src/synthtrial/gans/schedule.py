"""How long a generator trains, counted in images seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from synthtrial.errors import ConfigError
from synthtrial.params import construct


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The `train:` part of a generator's configuration; every duration is in images seen.

    Attributes:
        images: images to learn from, in all.
        batch_size: images per step.
        accumulate: pieces that a batch is worked through in, to save memory.
        checkpoint_every: images between two checkpoints.
        log_every: images between two rows of `losses.csv`.
        ema_half_life: half-life of the averaged weights.
        smallest_diversity: see `watch.CollapseWatch`.
        patience: checks in a row that find a collapse before training is stopped; None for never.
        copies: whether the augmented copies that `prepare` made of the cases are learned from, too.
        snapshots: numbers of images after which the averaged weights are kept beside those of the end; None for none.
    """

    images: int
    batch_size: int
    accumulate: int = 1
    checkpoint_every: int = 1000
    log_every: int = 100
    ema_half_life: float = 500
    smallest_diversity: float = 0.2
    patience: int | None = 3
    copies: bool = True
    snapshots: Sequence[int] | None = None

    def __post_init__(self) -> None:
        for name in ("images", "batch_size", "accumulate", "checkpoint_every", "log_every"):
            if getattr(self, name) < 1:
                raise ConfigError(f"train.{name} must be at least 1, not {getattr(self, name)}")
        if self.patience is not None and self.patience < 1:
            raise ConfigError(f"train.patience must be at least 1, or null for never, not {self.patience}")
        if self.ema_half_life < 0:
            raise ConfigError(f"train.ema_half_life must be at least 0, not {self.ema_half_life}")
        if self.batch_size % self.accumulate:
            raise ConfigError(f"train.accumulate={self.accumulate} must divide train.batch_size={self.batch_size}")

        for images in self.snapshots or ():
            if not 1 <= images <= self.images:
                raise ConfigError(f"train.snapshots: {images} images are not from 1 to train.images={self.images}")

    @classmethod
    def from_config(cls, train: dict[str, Any], place: str = "train") -> Schedule:
        """Read a `train:` subtree that stands at `place`.

        Raises:
            ConfigError: for an unknown or a missing key, or a value of the wrong type or out of range.
        """
        return construct(cls, train, place)

    @property
    def checkpoints(self) -> int:
        """How many checkpoints the training has; Lightning's epoch is the stretch between two."""
        return max(1, round(self.images / self.checkpoint_every))

    @property
    def batches_per_checkpoint(self) -> int:
        """Steps between two checkpoints: the same number in every stretch, rounded up to whole batches."""
        return ceil(self.images / (self.batch_size * self.checkpoints))
