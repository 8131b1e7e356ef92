"""Lightning's loop, set up for a GAN: stretches between checkpoints, resuming, several processes."""

from __future__ import annotations

import logging
import warnings
from math import ceil
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelCheckpoint

from synthtrial.device_loader import DeviceLoader
from synthtrial.gans.base import GAN
from synthtrial.gans.checkpoints import NAME, AtomicCheckpointIO
from synthtrial.gans.dataset import RealCases
from synthtrial.gans.parallel import AveragedGradients
from synthtrial.gans.progress import ImagesBar
from synthtrial.gans.sampling import ImageStream
from synthtrial.hardware import cluster_environment, lightning_precision, lightning_processes
from synthtrial.processes import processes_of, together
from synthtrial.speed import speed_of


def fit(
    gan: GAN,
    cases: RealCases,
    callbacks: list[pl.Callback],
    last: Path | None,
    checkpoints: Path,
    trainer: dict[str, Any],
    logger: Any,
    description: str,
    until: int | None = None,
) -> bool:
    """Train; Lightning's epoch is the stretch between two checkpoints.

    Args:
        gan: what to train, with its schedule and seed.
        cases: what it learns from.
        callbacks: what else happens after every checkpoint.
        last: the checkpoint to go on from, if any.
        checkpoints: the folder of checkpoints.
        trainer: `accelerator`, `devices`, `precision`, and optionally `nodes`, `loader_workers` and `prefetch`.
        logger: a Lightning logger, a list of them, or None.
        description: what the progress bar says.
        until: images after which the next checkpoint is the last one; None for all of the schedule.

    Returns:
        Whether this process is the first of those that trained, the one that writes results.
    """
    schedule = gan.schedule
    length = schedule.batches_per_checkpoint * schedule.batch_size
    stretches = schedule.checkpoints if until is None else min(schedule.checkpoints, ceil(until / length))
    loader = DeviceLoader(
        cases,
        batch_size=schedule.batch_size // processes_of(trainer),
        sampler=ImageStream(length),
        num_workers=trainer.get("loader_workers") or 0,
        persistent_workers=bool(trainer.get("loader_workers")),
        ahead=speed_of(trainer).prefetch,
    )
    keeper = ModelCheckpoint(
        dirpath=checkpoints, filename=Path(NAME).stem, save_on_train_epoch_end=True, enable_version_counter=False
    )
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        # The averaged generator is in evaluation mode by intent, the folder holds what training goes on from, and small
        # cases load quickest without other processes.
        for message in ("Found .* in eval mode", ".*does not have many workers", ".*exists and is not empty"):
            warnings.filterwarnings("ignore", message=message)
        loop = pl.Trainer(
            **lightning_processes(trainer, AveragedGradients),
            precision=lightning_precision(trainer),
            max_epochs=stretches,
            callbacks=[*callbacks, ImagesBar(description, stretches * length), keeper],
            plugins=[AtomicCheckpointIO(), cluster_environment()],
            logger=logger or False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        with together():
            loop.fit(gan, loader, ckpt_path=last, weights_only=True)
    return loop.is_global_zero
