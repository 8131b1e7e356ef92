"""Training one segmentation network on one training set."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from synthtrial.atomic import atomic_folder, write_json
from synthtrial.errors import ConfigError
from synthtrial.hardware import best_device
from synthtrial.processes import leads
from synthtrial.segmentation.augmentation import augmentation
from synthtrial.segmentation.convergence import why_not_learned
from synthtrial.segmentation.module import SegmentationModule
from synthtrial.segmentation.network import build_network, check_shape
from synthtrial.segmentation.settings import TrainSettings, train_settings
from synthtrial.supervised.augmentation import check_axes
from synthtrial.supervised.case import TrainingCase
from synthtrial.supervised.curve import CurveRow, Log, unfinished
from synthtrial.supervised.lightning import train_phase
from synthtrial.supervised.loading import batches, in_order
from synthtrial.supervised.phases import phases


@dataclass(frozen=True)
class Fitted:
    """A trained fold model.

    Attributes:
        network: with the weights of the last step, in evaluation mode, on the CPU.
        curve: rows `step, loss, validation_dice`, as the module's.
        final_loss: mean training loss of the last row.
        seconds: wall time of the training.
        steps: optimizer steps done.
        convergence: empty when the model has learned, else in words why not.
        remark: words about a model that has learned, but would have learned more with more steps; else empty.
    """

    network: torch.nn.Module
    curve: list[CurveRow]
    final_loss: float
    seconds: float
    steps: int
    convergence: str
    remark: str


def fit(
    cases: Sequence[TrainingCase],
    validation_cases: Sequence[TrainingCase],
    *,
    labels: list[str],
    channels: int,
    spatial_dims: int,
    settings: Mapping[str, Any],
    trainer: Mapping[str, Any],
    seed: int,
    pretrain_cases: Sequence[TrainingCase] = (),
    pretrain: float = 0.0,
    checkpoint: Path | None = None,
    log: Log | None = None,
) -> Fitted:
    """Train a network for a fixed number of steps, and keep the weights of the last one.

    The validation cases draw a curve and do nothing else: no early stopping and no choice of the best step, so that
    they stay honest, and so that every arm gets the same budget. The learning rate has fallen to zero at the end. On
    a CPU, the same seed gives the same weights, with any number of loader workers.

    With pretraining, the network learns from `pretrain_cases` first and then from `cases`: the learning rate rises and
    falls in each of both phases, the optimizer starts anew, and both together have the budget of a training on all
    their cases.

    Args:
        cases: the training set; drawn in a new random order again and again until the steps are done.
        validation_cases: for the curve; may be empty.
        labels: names of the labels.
        channels: channels of the images.
        spatial_dims: 2 or 3.
        settings: `network` and `train` of a `conf/segmenter` file.
        trainer: `accelerator`, `devices`, `precision`, and optionally `nodes`, `threads` and `loader_workers`.
        seed: seed of weights, order and augmentation.
        pretrain_cases: the training set of the pretraining, of the same shape; empty without it.
        pretrain: share of the steps that the pretraining gets; 0 without it.
        checkpoint: folder that keeps the finished model. Where it exists, the model is read instead of trained: whoever
            names the folder vouches that it stands for these very arguments.
        log: called now and then with `loss` and `validation_dice` and their step.

    Raises:
        ConfigError: when there is nothing to train on, a setting is wrong, or the network can't take the cases' shape.
        TrainingError: when the loss is not finite.
    """
    if trainer.get("threads"):
        torch.set_num_threads(trainer["threads"])
    train = train_settings(settings["train"])
    steps = train.steps_for(len(cases) + len(pretrain_cases))
    plan = phases(cases, pretrain_cases, pretrain=pretrain, steps=steps, seed=seed)
    network = build_network(
        settings["network"], spatial_dims=spatial_dims, channels=channels, n_labels=len(labels), seed=seed
    )
    if checkpoint is not None and checkpoint.is_dir():
        return read_fitted(checkpoint, network)
    shape = cases[0].loader()["mask"].shape[1:]
    check_axes(train.augmentation.flip_axes, len(shape), "train.augmentation.flip_axes")
    check_axes(train.flips, len(shape), "train.flips")
    crop_shape = _crop_shape(train, shape)
    network.to(best_device(trainer))
    check_shape(network, channels, crop_shape or shape, settings["network"]["_target_"].rpartition(".")[2])

    validation = in_order(validation_cases, train.batch_size)
    augment = augmentation(train.augmentation, crop_shape=crop_shape, n_labels=len(labels))
    started = time.perf_counter()
    curve: list[CurveRow] = []
    with torch.random.fork_rng():
        torch.manual_seed(seed)  # dropout
        for phase in plan:
            module = SegmentationModule(network, train, labels, steps=phase.steps, first_step=phase.first_step, log=log)
            train_phase(
                module,
                batches(phase, augment, train.batch_size, trainer),
                validation if validation_cases else None,
                steps=phase.steps,
                validate_every=train.validate_every,
                trainer=trainer,
            )
            curve += module.curve
    fitted = Fitted(
        network=network.cpu().eval(),
        curve=curve,
        final_loss=float(curve[-1]["loss"] or 0.0),
        seconds=time.perf_counter() - started,
        steps=steps,
        convergence=why_not_learned(curve),
        remark=unfinished(module.curve),
    )
    if checkpoint is not None and leads():
        _write_fitted(checkpoint, fitted)
    return fitted


def _crop_shape(train: TrainSettings, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Shape of the patch to cut from each case; None when the whole volume is the patch."""
    if train.patch_shape is None or train.patch_shape == shape:
        return None
    if len(train.patch_shape) != len(shape) or any(p > n for p, n in zip(train.patch_shape, shape, strict=True)):
        raise ConfigError(
            f"train.patch_shape {list(train.patch_shape)} does not fit into the prepared shape {list(shape)}; "
            "make it smaller, or null for the whole volume"
        )
    return train.patch_shape


def _write_fitted(folder: Path, fitted: Fitted) -> None:
    with atomic_folder(folder) as partial:
        save_file(fitted.network.state_dict(), partial / "weights.safetensors")
        facts = {field.name: getattr(fitted, field.name) for field in fields(fitted) if field.name != "network"}
        write_json(partial / "fitted.json", facts)


def read_fitted(folder: Path, network: torch.nn.Module) -> Fitted:
    """Read a finished model from its checkpoint into a network of its kind."""
    network.load_state_dict(load_file(folder / "weights.safetensors"))
    facts = json.loads((folder / "fitted.json").read_text(encoding="utf-8"))
    return Fitted(network=network.eval(), **facts)
