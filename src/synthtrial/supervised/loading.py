"""Loaders of a training's batches and of its validation cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from monai.transforms import Compose
from torch.utils.data import DataLoader

from synthtrial.device_loader import DeviceLoader
from synthtrial.errors import ConfigError
from synthtrial.hardware import best_device
from synthtrial.processes import processes_of
from synthtrial.speed import speed_of
from synthtrial.supervised.case import TrainingCase
from synthtrial.supervised.dataset import CaseDataset, InOrder, ShuffledDraws
from synthtrial.supervised.phases import Phase


def batches(phase: Phase, augment: Compose | None, batch_size: int, trainer: Mapping[str, Any]) -> DataLoader:
    """The augmented batches of a phase, as many as it has steps, in one stream: workers start once, not per epoch.

    Several processes each get their part of every batch.

    Raises:
        ConfigError: when a batch can't be shared out evenly among the processes.
    """
    processes = processes_of(trainer)
    if batch_size % processes:
        raise ConfigError(
            f"train.batch_size={batch_size} must be a multiple of the training's {processes} processes "
            "(trainer.devices x trainer.nodes)"
        )
    return DeviceLoader(
        CaseDataset(phase.cases, augment, phase.seed),
        batch_size // processes,
        sampler=ShuffledDraws(len(phase.cases), phase.steps * batch_size, phase.seed),
        num_workers=trainer.get("loader_workers") or 0,
        pin_memory=best_device(trainer).type == "cuda",
        ahead=speed_of(trainer).prefetch,
    )


def in_order(cases: Sequence[TrainingCase], batch_size: int) -> DataLoader:
    """Each case once, as it is; several processes take turns.

    To go over them takes no number from torch's random state, which dropout goes by.
    """
    generator = torch.Generator().manual_seed(0)
    return DataLoader(CaseDataset(cases), batch_size, sampler=InOrder(len(cases)), generator=generator)
