"""One phase of a training by Lightning."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
from torch.utils.data import DataLoader

from synthtrial.hardware import cluster_environment, lightning_precision, lightning_processes
from synthtrial.processes import together
from synthtrial.supervised.curve_module import CurveModule
from synthtrial.supervised.tuning import tune


def train_phase(
    module: CurveModule,
    batches: DataLoader,
    validation: DataLoader | None,
    *,
    steps: int,
    validate_every: int,
    trainer: Mapping[str, Any],
) -> None:
    """Train a module for a number of steps and do nothing else: progress, curve and checkpoint are ours.

    Args:
        module: what is trained.
        batches: as many batches as steps.
        validation: what the module's validation goes over; None for no validation.
        steps: optimizer steps.
        validate_every: steps between two validations.
        trainer: `accelerator`, `devices` and `precision`, and optionally `nodes` and the switches of `speed.speed_of`.

    Raises:
        ConfigError: when torch can't compile on this machine and should.
    """
    tune(module, trainer)
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    lightning = pl.Trainer(
        **lightning_processes(trainer),
        plugins=[cluster_environment()],
        precision=lightning_precision(trainer),
        max_steps=steps,
        val_check_interval=min(validate_every, steps),
        check_val_every_n_epoch=None,
        limit_val_batches=0 if validation is None else 1.0,
        num_sanity_val_steps=0,
        logger=False,
        log_every_n_steps=1,  # nothing is logged by its own ways, but a larger number warns of short trainings
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    with warnings.catch_warnings():
        expected = "does not have many workers|have no `val_dataloader`|in eval mode"  # the last: a frozen body
        warnings.filterwarnings("ignore", message=f".*({expected}).*")
        try:
            with together():
                lightning.fit(module, batches, validation)
        except SystemExit as stop:  # which Lightning makes of Ctrl-C
            raise KeyboardInterrupt from stop
