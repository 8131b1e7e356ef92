"""A generator as `train_gan` leaves it behind, without the training."""

from __future__ import annotations

from pathlib import Path

import torch

from synthtrial.atomic import write_json
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.gans.model import build, save_generator


def write_model(folder: Path, cohort: PreparedCohort, masks: bool = True) -> Path:
    """Write a DCGAN with random weights for the cohort; about half the voxels that it draws are lesion."""
    shape, channels = list(cohort.shape), cohort.facts["channels"]
    kind = "channels.Channels" if masks else "image_only.ImageOnly"
    config = {
        "_target_": "synthtrial.gans.dcgan.DCGAN",
        "image_size": shape,
        "image_channels": channels + len(cohort.labels) * masks,
        "spatial_dims": len(shape),
        "latent": 8,
        "generator": {"width": 4, "upsampling": "transposed", "kernel": 4, "norm": "batch", "bias": True, "slope": 0.2},
        "discriminator": {"width": 4, "kernel": 4, "slope": 0.2, "dropout": 0.0, "spectral_norm": False},
        "loss": "non_saturating",
        "lr_g": 1e-4,
        "lr_d": 1e-4,
        "betas": [0.5, 0.999],
    }
    representation = {
        "_target_": f"synthtrial.cohorts.representations.{kind}",
        "labels": cohort.labels,
        "image_channels": channels,
        "shape": shape,
        "padded_shape": shape,
    }
    torch.manual_seed(0)
    gan = build(config)
    for weights in gan.generator_ema.parameters():
        weights.data.mul_(4)  # with fresh weights all scores are near zero, and masks empty or full
    folder.mkdir(parents=True)
    model = {
        "generator": "dcgan",
        "config": config,
        "representation": representation,
        "split": "development",
        "seen_cases": cohort.development,
        "seen_patients": sorted(cohort.patients(cohort.development)),
        "start_from": None,
        "seed": 0,
        "weights_sha256": save_generator(gan, folder / "generator.safetensors"),
    }
    write_json(folder / "model.json", model)
    return folder
