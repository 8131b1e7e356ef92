"""What a training shows while it runs: a bar in images, and pages of samples."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from synthtrial.gans.base import GAN


class ImagesBar(pl.Callback):
    """A progress bar that counts images seen."""

    def __init__(self, description: str, images: int) -> None:
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("images"),
            TimeRemainingColumn(),
        )
        self.task = self.bar.add_task(description, total=images)

    def on_train_start(self, trainer: pl.Trainer, gan: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            self.bar.start()

    def on_train_batch_end(self, trainer: pl.Trainer, gan: pl.LightningModule, *_: Any) -> None:
        assert isinstance(gan, GAN)
        self.bar.update(self.task, completed=gan.images_seen)

    def on_train_end(self, trainer: pl.Trainer, gan: pl.LightningModule) -> None:
        self.bar.stop()

    def on_exception(self, trainer: pl.Trainer, gan: pl.LightningModule, exception: BaseException) -> None:
        self.bar.stop()


class TrainingTime(pl.Callback):
    """Tells when training began and ended.

    Args:
        on_trained: called at the end with the Unix times of the beginning and the end, s.
    """

    def __init__(self, on_trained: Callable[[float, float], None]) -> None:
        self.on_trained = on_trained
        self.started = 0.0

    def on_train_start(self, trainer: pl.Trainer, gan: pl.LightningModule) -> None:
        self.started = time.time()

    def on_train_end(self, trainer: pl.Trainer, gan: pl.LightningModule) -> None:
        self.on_trained(self.started, time.time())


class SamplePages(pl.Callback):
    """After every checkpoint, draw the same samples again and hand the picture on.

    Args:
        page: writes a page of samples to a path.
        folder: where the pictures are written.
        on_images: called with the images seen and the picture's path.
    """

    def __init__(self, page: Callable[[Path, GAN], None], folder: Path, on_images: Callable[[int, Path], None]) -> None:
        self.page = page
        self.folder = folder
        self.on_images = on_images

    def on_train_epoch_end(self, trainer: pl.Trainer, gan: pl.LightningModule) -> None:
        assert isinstance(gan, GAN)
        if trainer.is_global_zero:
            path = self.folder / f"samples_{gan.images_seen:08d}.png"
            self.page(path, gan)
            self.on_images(gan.images_seen, path)
