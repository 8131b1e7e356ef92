"""Training one network on one training set."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.transforms import Compose, EnsureTyped
from safetensors.torch import load_file

from synthtrial.classification.convergence import why_not_learned
from synthtrial.classification.fitted import WEIGHTS, Fitted, read_facts, write_fitted
from synthtrial.classification.frozen import as_features, changes_nothing
from synthtrial.classification.losses import constant_loss, criterion_for
from synthtrial.classification.module import ClassificationModule
from synthtrial.classification.network import Classifier, build_network, check_shape
from synthtrial.classification.samples import check_classes, labels_of, only_what_is_learned
from synthtrial.classification.settings import Balance, NetworkSettings
from synthtrial.fidelity.features.frozen_network import exact_inference
from synthtrial.hardware import best_device
from synthtrial.processes import leads
from synthtrial.supervised.augmentation import AugmentationSettings, check_axes, random_changes
from synthtrial.supervised.case import TrainingCase
from synthtrial.supervised.curve import CurveRow, Log, unfinished
from synthtrial.supervised.lightning import train_phase
from synthtrial.supervised.loading import batches, in_order
from synthtrial.supervised.phases import Phase, phases


@dataclass(frozen=True)
class NetworkModel:
    """A trained network that answers, on the device for inference."""

    network: Classifier
    device: torch.device

    def __call__(self, cases: Sequence[TrainingCase]) -> np.ndarray:
        """Probabilities `(n,)` of the positive class. One image at a time: no answer depends on the others."""
        network = self.network.to(self.device).eval()
        answers = []
        with exact_inference():
            for case in cases:
                image = torch.from_numpy(np.array(case.loader()["image"], np.float32))[None].to(self.device)
                answers.append(torch.sigmoid(network(image)[0, 0].double()).item())
        return np.array(answers, np.float64)


def fit_network(
    cases: Sequence[TrainingCase],
    validation_cases: Sequence[TrainingCase],
    *,
    classes: Sequence[str],
    settings: NetworkSettings,
    trainer: Mapping[str, Any],
    seed: int,
    pretrain_cases: Sequence[TrainingCase],
    pretrain: float,
    balance: Balance,
    checkpoint: Path | None,
    log: Log | None,
) -> Fitted:
    """Train a network, or read it from its checkpoint; `training.fit` says the rest.

    Where a frozen body sees the same images each time, its features are made once and the head is trained on them. A
    checkpoint of a frozen body holds the head alone.
    """
    train = settings.train
    steps = train.steps_for(len(cases) + len(pretrain_cases))
    plan = phases(cases, pretrain_cases, pretrain=pretrain, steps=steps, seed=seed)
    channels, *sides = cases[0].loader()["image"].shape
    shape = tuple(sides)
    check_axes(train.augmentation.flip_axes, len(shape), "train.augmentation.flip_axes")
    network = build_network(settings, spatial_dims=len(shape), channels=channels, shape=shape, seed=seed)
    model = NetworkModel(network, best_device(trainer))
    if checkpoint is not None and checkpoint.is_dir():
        network.learned.load_state_dict(load_file(checkpoint / WEIGHTS))
        return Fitted(model=model, **read_facts(checkpoint))
    check_shape(network, channels, shape, train.batch_size)
    labels = [labels_of(phase.cases) for phase in plan]
    for phase, found in zip(plan, labels, strict=True):
        check_classes(
            found, classes, "the training set" if phase is plan[-1] else "the training set of the pretraining"
        )
    started = time.perf_counter()
    network.to(model.device)
    trained = _Trained(network, settings, trainer)
    validation = trained.shown(validation_cases)
    curve: list[CurveRow] = []
    with torch.random.fork_rng():
        torch.manual_seed(seed)  # dropout
        for phase, found in zip(plan, labels, strict=True):
            criterion = criterion_for(balance, found, train.focal_gamma)
            module = ClassificationModule(
                trained.part, train, criterion, steps=phase.steps, first_step=phase.first_step, log=log
            )
            trained.run(phase, module, validation)
            curve += module.curve
    network.cpu().eval()
    fitted = Fitted(
        model=model,
        curve=curve,
        final_loss=float(curve[-1]["loss"] or 0.0),
        seconds=time.perf_counter() - started,
        steps=steps,
        convergence=why_not_learned(module.curve, constant_loss(criterion, found)),
        remark=unfinished(module.curve),
        chosen={},
    )
    if checkpoint is not None and leads():
        write_fitted(checkpoint, fitted, network.learned.state_dict())
    return fitted


class _Trained:
    """The part of a network that goes through the training, and how cases are shown to it.

    Args:
        network: the whole, on its device.
        settings: of the classifier.
        trainer: `accelerator`, `devices`, `precision`, and optionally `loader_workers`.
    """

    def __init__(self, network: Classifier, settings: NetworkSettings, trainer: Mapping[str, Any]) -> None:
        self.network, self.train, self.trainer = network, settings.train, trainer
        self.on_features = settings.freeze and changes_nothing(settings.train.augmentation)
        self.part = network.head if self.on_features else network

    def shown(self, cases: Sequence[TrainingCase]) -> list[TrainingCase]:
        """Cases with features in place of images where the part takes these."""
        plain = only_what_is_learned(cases)
        return as_features(self.network, plain) if self.on_features else plain

    def run(self, phase: Phase, module: ClassificationModule, validation: list[TrainingCase]) -> None:
        """Train one phase."""
        phase = Phase(self.shown(phase.cases), phase.steps, phase.first_step, phase.seed)
        augment = None if self.on_features else _augmentation(self.train.augmentation)
        train_phase(
            module,
            batches(phase, augment, self.train.batch_size, self.trainer),
            in_order(validation, self.train.batch_size) if validation else None,
            steps=phase.steps,
            validate_every=self.train.validate_every,
            trainer=self.trainer,
        )


def _augmentation(settings: AugmentationSettings) -> Compose:
    """Random changes of an image, which leave its class alone."""
    return Compose([*random_changes(settings, "image"), EnsureTyped(("image",), dtype=torch.float32, track_meta=False)])
