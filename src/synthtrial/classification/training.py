"""Training one classifier on one training set: a network step by step, a classic model at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synthtrial.classification.fitted import Fitted
from synthtrial.classification.samples import check_image
from synthtrial.classification.settings import Balance, ClassicSettings, can_take, needs_torch, read_classifier
from synthtrial.errors import ConfigError
from synthtrial.supervised.case import TrainingCase
from synthtrial.supervised.curve import Log


def fit(
    cases: Sequence[TrainingCase],
    validation_cases: Sequence[TrainingCase],
    *,
    classes: Sequence[str],
    channels: int,
    spatial_dims: int,
    settings: Mapping[str, Any],
    trainer: Mapping[str, Any],
    seed: int,
    pretrain_cases: Sequence[TrainingCase] = (),
    pretrain: float = 0.0,
    balance: Balance = "none",
    checkpoint: Path | None = None,
    log: Log | None = None,
    groups: Sequence[str] | None = None,
) -> Fitted:
    """Train a classifier, and keep it as it is at the end.

    The validation cases draw a curve and do nothing else: no early stopping, no choice of the best step and none of a
    model's settings, so that they stay honest, and so that every arm gets the same budget. On a CPU, the same seed
    gives the same model, with any number of loader workers.

    With pretraining, a network learns from `pretrain_cases` first and then from `cases`: the learning rate rises and
    falls in each of both phases, the optimizer starts anew, and both together have the budget of a training on all
    their cases.

    Args:
        cases: the training set. Loaders give `image`, float32 `(C, *S)` in [-1, 1], `label`, 0 or 1, and where it is
            known `lesion_ml`.
        validation_cases: for the curve; may be empty.
        classes: names of the negative and the positive class.
        channels: channels of the images.
        spatial_dims: 2 or 3.
        settings: content of a `conf/classifier` file.
        trainer: `accelerator`, `devices`, `precision`, and optionally `threads` and `loader_workers`.
        seed: seed of weights, order, augmentation and inner folds.
        pretrain_cases: the training set of the pretraining; empty without it.
        pretrain: share of the steps that the pretraining gets; 0 without it.
        balance: how the classes are balanced: `none`, `class_weights` or `focal`. `oversampling` changes nothing here,
            as the arm's rows have done it.
        checkpoint: folder that keeps the finished model. Where it exists, the model is taken from there instead of
            trained: whoever names the folder vouches that it stands for these very arguments.
        log: called now and then with `loss` and `validation_loss` and their step.
        groups: patient of each of the cases, which inner folds keep together; None takes each case for a patient.

    Raises:
        ConfigError: when there is nothing to train on, a class is missing, a setting is wrong, or the classifier can't
            take the cases or the arm.
        CohortError: when a case lacks what its features are made of.
        TrainingError: when the loss is not finite.
    """
    classifier = read_classifier(settings, "classifier")
    if not cases:
        raise ConfigError("the training set is empty: no case to train on")
    if problem := can_take(classifier, balance=balance, pretrain=pretrain):
        raise ConfigError(f"this classifier can't be trained on this arm: {problem}")
    check_image(cases[0].loader(), channels=channels, spatial_dims=spatial_dims)
    if needs_torch(classifier) and trainer.get("threads"):
        import torch

        torch.set_num_threads(trainer["threads"])
    if isinstance(classifier, ClassicSettings):
        from synthtrial.classification.classic import Recipe, fit_classic

        patients = [case.case_id for case in cases] if groups is None else groups
        recipe = Recipe(cases, patients, classes, classifier, balance, seed, spatial_dims)
        return fit_classic(recipe, validation_cases, checkpoint=checkpoint, log=log)

    from synthtrial.classification.network_training import fit_network

    return fit_network(
        cases,
        validation_cases,
        classes=classes,
        settings=classifier,
        trainer=trainer,
        seed=seed,
        pretrain_cases=pretrain_cases,
        pretrain=pretrain,
        balance=balance,
        checkpoint=checkpoint,
        log=log,
    )
