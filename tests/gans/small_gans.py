"""Small generators that the tests train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import OmegaConf
from torch.utils.data import DataLoader

from synthtrial.gans.base import GAN
from synthtrial.gans.schedule import Schedule

GENERATORS = Path(__file__).resolve().parents[2] / "conf" / "generator"

torch.set_num_threads(1)  # networks this small are quickest on one thread


def read_config(name: str, **overrides: Any) -> dict[str, Any]:
    """A configuration of conf/generator; `train__images=8` sets the key `train.images`."""
    config = OmegaConf.load(GENERATORS / f"{name}.yaml")
    for key, value in overrides.items():
        OmegaConf.update(config, key.replace("__", "."), value)
    return OmegaConf.to_container(config)  # type: ignore[return-value]


def tiny_dcgan(**overrides: Any) -> dict[str, Any]:
    """The general DCGAN at 16^3 with image and mask, trained for 24 images."""
    durations = {"images": 24, "batch_size": 4, "checkpoint_every": 8, "log_every": 4}
    settings = {"image_size": 16, "latent": 8} | {f"train__{key}": value for key, value in durations.items()}
    return read_config("dcgan", **settings | overrides)


def tiny_hagan(**overrides: Any) -> dict[str, Any]:
    """HA-GAN at 32^3 with few channels."""
    return read_config("hagan", **{"image_size": 32, "image_channels": 2, "latent": 8, "width": 16} | overrides)


def run_steps(gan: GAN, real: torch.Tensor, batch_size: int = 2, **schedule: Any) -> GAN:
    """Train on the images given, once through; classes 0 and 1 in turn, and mirrored images to translate."""
    gan.schedule = Schedule(images=len(real), batch_size=batch_size, **schedule)
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    items = [{"real": x, "label": torch.tensor(i % 2), "source": x.flip(-1)} for i, x in enumerate(real)]
    trainer.fit(gan, DataLoader(items, batch_size=batch_size))  # type: ignore[arg-type]
    return gan
