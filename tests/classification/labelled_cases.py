"""Cases of two classes that can be told apart: those of class 1 have a bright square."""

from __future__ import annotations

import numpy as np

from synthtrial.supervised.case import TrainingCase

CLASSES = ("benign", "malignant")
CPU = {"accelerator": "cpu", "devices": 1, "precision": "auto"}
PLAIN = {
    "flip_axes": [],
    "affine_probability": 0.0,
    "rotate_degrees": 0.0,
    "scale": 0.0,
    "intensity_probability": 0.0,
    "intensity_scale": 0.0,
    "intensity_shift": 0.0,
    "noise": 0.0,
}
CHANGED = PLAIN | {"flip_axes": [0], "affine_probability": 0.5, "rotate_degrees": 15.0, "scale": 0.1}
TRAIN = {
    "steps": 6,
    "epochs": None,
    "batch_size": 4,
    "lr": 0.003,
    "weight_decay": 0.0,
    "warmup": 0.1,
    "validate_every": 3,
    "focal_gamma": 2.0,
    "augmentation": PLAIN,
}
SMALL = {"_target_": "synthtrial.classification.small_cnn.SmallCNN", "filters": [4, 8], "kernel": 3}


def labelled(
    n: int, shape: tuple[int, ...] = (16, 16), channels: int = 1, share: float = 0.5, start: int = 0
) -> list[TrainingCase]:
    """The first `share` of the cases is of class 1."""

    def load(index: int, label: int):
        rng = np.random.default_rng(start + index)
        image = rng.normal(-0.5, 0.1, (channels, *shape)).astype(np.float32)
        corner = rng.integers(2, 6, len(shape))
        image[(slice(None), *(slice(c, c + 7) for c in corner))] += 1.0 * label
        return {"image": image, "label": np.array(label, np.int64), "lesion_ml": np.array(1.0 + 9 * label)}

    return [
        TrainingCase(f"c{start + index}", "real", lambda index=index: load(index, int(index < share * n)))
        for index in range(n)
    ]


def network(body=SMALL, hidden=8, dropout=0.0, pretrained=None, freeze=False, **train) -> dict:
    """Content of a conf/classifier file of a small network."""
    return {
        "network": {"body": body, "hidden": hidden, "dropout": dropout},
        "pretrained": pretrained,
        "freeze": freeze,
        "train": TRAIN | train,
        "arms": "all",
    }


def labels(cases: list[TrainingCase]) -> np.ndarray:
    return np.array([int(case.loader()["label"]) for case in cases])


class NoBody:
    """Takes what a body takes, and is none."""

    def __init__(self, **settings) -> None:
        self.settings = settings
