"""Train a generator on a split of a cohort: the whole of the stage `train_gan`."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor
from torch.utils.data import DataLoader

from synthtrial import params
from synthtrial.atomic import atomic_folder, write_json
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import ConfigError
from synthtrial.gans.base import GAN
from synthtrial.gans.checkpoints import NAME, AtomicCheckpointIO, resumable
from synthtrial.gans.dataset import RealCases
from synthtrial.gans.fitting import as_size
from synthtrial.gans.memory import return_memory_promptly
from synthtrial.gans.model import build, load_weights, parameter_counts, save_generator
from synthtrial.gans.progress import ImagesBar, SamplePages
from synthtrial.gans.sample_page import write_sample_page
from synthtrial.gans.sampling import ImageStream
from synthtrial.gans.schedule import Schedule
from synthtrial.gans.watch import CollapseWatch, fixed_samples
from synthtrial.hardware import lightning_precision

SHOWN = 8
"""Cases on a sample page, and images that diversity is measured on."""


def train(
    config: dict[str, Any],
    *,
    name: str,
    cohort: PreparedCohort,
    split: str,
    case_ids: list[str],
    folder: Path,
    checkpoints: Path,
    trainer: dict[str, Any],
    seed: int,
    logger: Any = None,
    on_images: Callable[[int, Path], None] | None = None,
) -> None:
    """Train a generator, or go on from its last checkpoint, and write `models/<generator>/<split>/`.

    Args:
        config: a generator's configuration, see conf/generator.
        name: what the study calls it.
        cohort: the prepared cohort.
        split: name of the part of the cohort that it may see.
        case_ids: the cases of that part.
        folder: where the trained model goes, replaced whole at the end.
        checkpoints: where training can go on from after a kill.
        trainer: `accelerator`, `devices`, `precision`, and optionally `threads` and `loader_workers`.
        seed: seed of the weights, the noise and the order of cases.
        logger: a Lightning logger, a list of them, or None.
        on_images: called after every checkpoint with the images seen and a picture of samples.

    Raises:
        ConfigError: when the configuration doesn't fit the cohort.
        TrainingError: when a loss is not finite.
    """
    return_memory_promptly()
    if trainer.get("threads"):
        torch.set_num_threads(trainer["threads"])
    schedule = Schedule.from_config(config["train"])
    if schedule.batch_size > len(case_ids):
        raise ConfigError(
            f"train.batch_size={schedule.batch_size} is larger than {split!r}, which has {len(case_ids)} cases"
        )
    representation_config = representation_of(config, cohort)
    cases = RealCases(cohort, case_ids, params.build(representation_config))
    torch.manual_seed(seed % 2**32)
    gan = build(config)
    gan.schedule, gan.seed = schedule, seed
    shown = torch.stack([cases[index]["real"] for index in range(min(SHOWN, len(cases)))])
    last = resumable(checkpoints, config=config, cohort=cohort, case_ids=case_ids, seed=seed)
    watch = CollapseWatch(shown, schedule.smallest_diversity, checkpoints, seed)
    callbacks: list[pl.Callback] = [watch]
    if on_images:
        callbacks.append(SamplePages(shown, cases.representation, checkpoints, seed, on_images))
    fit(gan, cases, callbacks, last, checkpoints, trainer, logger, f"train {name} on {split}")
    if watch.reason and watch.was_good:
        load_weights(gan, watch.good)
    with atomic_folder(folder) as partial:
        weights_hash = save_generator(gan, partial / "generator.safetensors")
        gan.history.write(partial / "losses.csv")
        write_page(partial / "samples.png", gan, shown, cases, seed)
        write_json(
            partial / "model.json",
            {
                "generator": name,
                "config": config,
                "representation": representation_config,
                "split": split,
                "seen_cases": list(case_ids),
                "seen_patients": sorted(cohort.patients(case_ids)),
                "images_seen": gan.images_seen,
                "seed": seed,
                "collapsed": bool(watch.reason),
                "reason": watch.reason,
                "weights_sha256": weights_hash,
                "parameters": parameter_counts(gan),
            },
        )


def fit(
    gan: GAN,
    cases: RealCases,
    callbacks: list[pl.Callback],
    last: Path | None,
    checkpoints: Path,
    trainer: dict[str, Any],
    logger: Any,
    description: str,
) -> None:
    """Run Lightning's loop; its epoch is the stretch between two checkpoints."""
    schedule = gan.schedule
    length = schedule.batches_per_checkpoint * schedule.batch_size
    loader = DataLoader(
        cases,
        batch_size=schedule.batch_size,
        sampler=ImageStream(len(cases), gan.seed, length),
        num_workers=trainer.get("loader_workers") or 0,
        persistent_workers=bool(trainer.get("loader_workers")),
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
        pl.Trainer(
            accelerator=trainer["accelerator"],
            devices=trainer["devices"],
            precision=lightning_precision(trainer),
            max_epochs=schedule.checkpoints,
            callbacks=[*callbacks, ImagesBar(description, schedule.checkpoints * length), keeper],
            plugins=[AtomicCheckpointIO()],
            logger=logger or False,
            use_distributed_sampler=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        ).fit(gan, loader, ckpt_path=last, weights_only=True)


def representation_of(config: dict[str, Any], cohort: PreparedCohort) -> dict[str, Any]:
    """Complete a generator's `representation:` subtree with the facts of the cohort.

    Raises:
        ConfigError: when the generator's `image_channels` are not what the representation yields.
    """
    settings = {
        **config["representation"],
        "labels": cohort.labels,
        "image_channels": cohort.facts["channels"],
        "shape": list(cohort.shape),
        "padded_shape": list(as_size(config["image_size"], len(cohort.shape))),
    }
    channels = params.build(settings).channels
    if channels != config["image_channels"]:
        raise ConfigError(
            f"image_channels={config['image_channels']}, but this cohort's images and masks make {channels} channels"
        )
    return settings


def write_page(path: Path, gan: GAN, shown: Tensor, cases: RealCases, seed: int) -> None:
    """Write real cases above samples."""
    write_sample_page(path, shown, fixed_samples(gan, len(shown), seed), cases.representation)
