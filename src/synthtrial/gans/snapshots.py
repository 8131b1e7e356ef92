"""Weights kept on the way: what a generator would have been, had its training ended earlier."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from synthtrial.atomic import atomic_file
from synthtrial.errors import TrainingError
from synthtrial.gans.base import GAN
from synthtrial.gans.model import save_generator, weights_file
from synthtrial.hashing import file_sha256


class Snapshots(pl.Callback):
    """Keep the averaged weights of the step that reaches a number of images, so that one training serves for several.

    They are kept beside the checkpoints until the model is written. A training that was killed goes on from its last
    checkpoint and meets the later ones of these steps again, with the same weights.

    Args:
        images: the numbers of images.
        checkpoints: where training can go on from after a kill.
    """

    def __init__(self, images: Sequence[int], checkpoints: Path) -> None:
        self.images = sorted(set(images))
        self.checkpoints = checkpoints

    def on_train_start(self, trainer: pl.Trainer, gan: pl.LightningModule) -> None:
        """Rather stop now than after hours of training, when weights that it had passed are gone."""
        assert isinstance(gan, GAN)
        self.passed(gan.images_seen)

    def on_train_batch_end(self, trainer: pl.Trainer, gan: pl.LightningModule, *_: Any) -> None:
        """Keep the weights when this step has reached a number."""
        assert isinstance(gan, GAN)
        before = gan.images_seen - gan.schedule.batch_size
        if trainer.is_global_zero:
            for images in self.images:
                if before < images <= gan.images_seen:
                    with atomic_file(weights_file(self.checkpoints, images)) as partial:
                        save_generator(gan, partial)

    def passed(self, images_seen: int) -> list[int]:
        """The numbers that a training has reached.

        Raises:
            TrainingError: when the weights of one of them are gone.
        """
        passed = [images for images in self.images if images <= images_seen]
        for images in passed:
            if not weights_file(self.checkpoints, images).is_file():
                raise TrainingError(
                    f"{weights_file(self.checkpoints, images)} is gone, and this training is at {images_seen} images "
                    f"already: remove {self.checkpoints} and train again"
                )
        return passed

    def write(self, folder: Path, images_seen: int) -> dict[str, str]:
        """Copy what was kept into the folder of a model; return the files' SHA-256 by number, as `model.json` has them.

        Raises:
            TrainingError: when the weights of one of them are gone.
        """
        hashes = {}
        for images in self.passed(images_seen):
            target = weights_file(folder, images)
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(weights_file(self.checkpoints, images), target)
            hashes[str(images)] = file_sha256(target)
        return hashes
