"""Training in two processes on the CPU (gloo)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch
from safetensors.torch import load_file
from small_gans import tiny_dcgan

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.gans.model import build, kept_state

PROGRAM = """
import json, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
import test_gan_training
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.gans.dcgan import DCGAN

# Noise that follows from the real image, so that it does not matter which process draws it.
DCGAN.fake = lambda self, batch: self.generator(batch["real"].flatten(1)[:, : self.latent])
trainer = test_gan_training.TRAINER | {{"devices": {devices}}}
test_gan_training.run({config!r}, PreparedCohort({cohort!r}), Path({place!r}), trainer=trainer)
"""


def train_in(devices: int, cohort: PreparedCohort, place: Path) -> Path:
    """Train the same GAN on the same images in some processes; return the model's folder."""
    place.mkdir()
    config = tiny_dcgan(augment=None, discriminator__spectral_norm=False)
    names = {"tests": str(Path(__file__).parent), "cohort": str(cohort.folder), "place": str(place)}
    (place / "program.py").write_text(PROGRAM.format(devices=devices, config=config, **names))
    done = subprocess.run([sys.executable, place / "program.py"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return place / "model"


def flat(tensors: dict[str, torch.Tensor]) -> torch.Tensor:
    """All tensors as one vector, in the order of their names."""
    return torch.cat([tensors[name].flatten() for name in sorted(tensors)])


def test_two_processes_learn_what_one_does(make_cohort: Callable[..., PreparedCohort], tmp_path: Path) -> None:
    cohort = make_cohort()
    alone, together = (train_in(devices, cohort, tmp_path / f"{devices}") for devices in (1, 2))
    torch.manual_seed(3)
    start = flat(kept_state(build(tiny_dcgan())))
    expected, found = (flat(load_file(folder / "generator.safetensors")) for folder in (alone, together))
    # Adam turns rounding errors of gradients near zero into steps; next to all that was learned they must be little.
    assert (found - expected).norm() < 0.05 * (expected - start).norm()
    assert json.loads((together / "model.json").read_text())["images_seen"] == 24
    assert list(pd.read_csv(together / "losses.csv")["images"]) == [4, 8, 12, 16, 20, 24]
