"""Training in two processes on the CPU (gloo): the losses and the weights are those of one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from small_gans import tiny_dcgan, tiny_hagan

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.gans.model import build, kept_state

PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
import test_gan_training
from synthtrial.cohorts.prepared import PreparedCohort

trainer = test_gan_training.TRAINER | {{"devices": {devices}}}
test_gan_training.run({config!r}, PreparedCohort({cohort!r}), Path({place!r}), trainer=trainer)
"""

# What a run of HA-GAN at 32^3 learns in eight steps of two images, with a checkpoint in the middle; moved copies too.
HAGAN = {"train__images": 16, "train__batch_size": 2, "train__checkpoint_every": 8, "train__log_every": 2}
MOVED = {"shift": 0.125, "mirror_axes": [1]}

# In single precision steps 1 to 4 agree within the tolerance, and later losses differ by up to 98 %.
# In double precision all eight steps agreed to 1.2e-7: rounding grows. This test has yet to be made in it.
APART = pytest.mark.xfail(reason="single precision: HA-GAN's losses part at step 5", strict=True)


def train_in(devices: int, config: dict[str, Any], cohort: PreparedCohort, place: Path) -> Path:
    """Train the same GAN on the same images in some processes; return the model's folder."""
    place.mkdir()
    names = {"tests": str(Path(__file__).parent), "cohort": str(cohort.folder), "place": str(place)}
    (place / "program.py").write_text(PROGRAM.format(devices=devices, config=config, **names))
    done = subprocess.run([sys.executable, place / "program.py"], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return place / "model"


def flat(tensors: dict[str, torch.Tensor]) -> torch.Tensor:
    """All tensors as one vector, in the order of their names."""
    return torch.cat([tensors[name].flatten() for name in sorted(tensors)])


@pytest.mark.parametrize(
    "config",
    [pytest.param(tiny_dcgan(), id="dcgan"), pytest.param(tiny_hagan(**HAGAN, augment=MOVED), id="hagan", marks=APART)],
)
def test_two_processes_learn_what_one_does(
    config: dict[str, Any], make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort()
    alone, together = (train_in(devices, config, cohort, tmp_path / f"{devices}") for devices in (1, 2))
    expected_losses, found_losses = (pd.read_csv(folder / "losses.csv") for folder in (alone, together))
    assert list(found_losses) == list(expected_losses) and len(found_losses) == len(expected_losses) >= 6
    # The first row is of weights that are the same; later ones drift, as Adam turns rounding errors of gradients near
    # zero into whole steps.
    np.testing.assert_allclose(found_losses[:1], expected_losses[:1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found_losses, expected_losses, rtol=1e-2, atol=1e-3)
    torch.manual_seed(3)
    start = flat(kept_state(build(config)))
    expected, found = (flat(load_file(folder / "generator.safetensors")) for folder in (alone, together))
    assert (found - expected).norm() < 0.05 * (expected - start).norm()
    images = config["train"]["images"]
    assert json.loads((together / "model.json").read_text())["images_seen"] == images
