"""The generators of two-class studies on pictures without masks: grey and RGB, in the sizes of the studies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from picture_cohort import CLASSES, IMAGE_ONLY, draw, learn, write_pictures
from PIL import Image
from small_gans import read_config
from test_perceptual import write_weights

from synthtrial.gans.fitting import fitted_size
from synthtrial.gans.roles import makes_classes

LUNG, BRAIN, SKIN = (112, 168), (128, 128), (140, 140)
SHORT = {"train__images": 4, "train__batch_size": 2, "train__checkpoint_every": 4}
MALIGNANT, BOTH = {"classes": ["malignant"]}, {"classes": list(CLASSES)}
NARROW: dict[str, dict[str, Any]] = {
    "dcgan": {"latent": 8, "generator__width": 2, "discriminator__width": 2},
    "dcgan_lung": {"latent": 8, "generator__channels": [8, 4, 4], "discriminator__channels": [4, 4, 8]},
    "dcgan_brain": {"latent": 8, "generator__channels": [8, 4, 4], "discriminator__channels": [4, 4, 4, 8]},
    "wgan_gp": {"latent": 8, "generator__width": 2, "discriminator__width": 2},
    "wgan_gp_skin": {"generator__width": 4, "discriminator__width": 4},
    "cyclegan": {"generator__width": 4, "generator__blocks": 1, "discriminator__width": 4},
    "cyclegan_skin": {"generator__width": 4, "discriminator__width": 4},
    "catgan": {"latent": 8, "generator__width": 2, "discriminator__width": 2},
    "stylegan2_ada": {"latent": 8, "style": 8, "channel_base": None, "channel_max": 4},
}
"""Widths that a test can train."""
DOMAINS = {"domains": {"column": "label", "source": "benign", "target": "malignant"}}


def narrow(name: str, **own: Any) -> dict[str, Any]:
    """A preset for images alone, with few channels and steps."""
    return read_config(name, **NARROW[name], **SHORT) | own | {"representation": IMAGE_ONLY}


@pytest.mark.parametrize(
    ("name", "own", "shape", "channels", "labels"),
    [
        ("dcgan", MALIGNANT, LUNG, 3, {"malignant"}),
        ("dcgan_lung", MALIGNANT, LUNG, 1, {"malignant"}),
        ("dcgan_lung", {"classes": ["benign"]}, SKIN, 3, {"benign"}),
        ("dcgan_brain", {}, BRAIN, 1, {""}),
        ("wgan_gp", MALIGNANT, SKIN, 3, {"malignant"}),
        ("wgan_gp_skin", MALIGNANT, SKIN, 3, {"malignant"}),
        ("cyclegan", DOMAINS, LUNG, 1, {"malignant"}),
        ("cyclegan_skin", {}, SKIN, 3, {"malignant"}),
        ("catgan", BOTH, BRAIN, 3, {""}),
        ("stylegan2_ada", BOTH, LUNG, 1, set(CLASSES)),
        ("stylegan2_ada", BOTH, SKIN, 3, set(CLASSES)),
    ],
)
def test_pictures_are_learned_and_drawn_in_their_size_and_class(
    name: str, own: dict[str, Any], shape: tuple[int, int], channels: int, labels: set[str], tmp_path: Path
) -> None:
    cohort = write_pictures(tmp_path / "prepared", shape, channels)
    config = narrow(name, **own)
    learn(config, cohort, tmp_path)
    synthetic = draw(cohort, tmp_path, count=6)
    assert len(synthetic.accepted) == 6
    for row in synthetic.manifest.itertuples():
        with Image.open(synthetic.folder / row.image) as picture:
            assert (picture.format, picture.mode) == ("PNG", "RGB" if channels == 3 else "L")
            assert picture.size == shape[::-1], "PNG counts columns first"
        assert row.mask == ""
        image = synthetic.image(row.case_id)
        assert image.shape == (channels, *shape) and np.abs(image).max() <= 1
    assert set(synthetic.manifest["label"]) == labels
    assert makes_classes(config) == ("" not in labels)


@pytest.mark.parametrize(("name", "shape"), [("dcgan_lung", LUNG), ("dcgan_brain", BRAIN), ("cyclegan_skin", SKIN)])
def test_the_studies_sizes_are_made_without_padding(name: str, shape: tuple[int, int]) -> None:
    assert fitted_size(shape, read_config(name)["fits"]) == list(shape)


def test_the_perceptual_loss_of_colour_pictures_is_trained_with(tmp_path: Path) -> None:
    weights = str(write_weights(tmp_path, "vgg19"))
    cohort = write_pictures(tmp_path / "prepared", (32, 32), channels=3)
    learn(narrow("wgan_gp_skin", **MALIGNANT, perceptual_weights=weights), cohort, tmp_path)
    assert pd.read_csv(tmp_path / "model" / "losses.csv")["generator/perceptual"].gt(0).any()
    assert draw(cohort, tmp_path, count=2).image("tiny-development-00000").shape == (3, 32, 32)
