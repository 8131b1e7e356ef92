"""Training in two processes on the CPU (gloo): the losses, the gradients and the weights are those of one."""

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
from small_gans import tiny_dcgan, tiny_hagan
from test_gan_training import TRAINER, run

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.gans.base import GAN
from synthtrial.gans.lesson import Lesson
from synthtrial.gans.loop import fit
from synthtrial.gans.model import build
from synthtrial.gans.schedule import Schedule
from synthtrial.gans.training import cases_of

PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
import test_parallel
test_parallel.{training}({config!r}, {cohort!r}, {place!r}, {trainer!r})
"""

MOVED = {"shift": 0.125, "mirror_axes": [1]}


def hagan(images: int, batch_size: int, accumulate: int = 1, **settings: Any) -> dict[str, Any]:
    """HA-GAN at 32^3 that learns from moved copies; a row of losses per step, and a checkpoint halfway."""
    steps = images // batch_size
    train = {"images": images, "batch_size": batch_size, "accumulate": accumulate, "log_every": batch_size}
    train |= {"checkpoint_every": (steps + 1) // 2 * batch_size}
    return tiny_hagan(**settings, augment=MOVED, **{f"train__{key}": value for key, value in train.items()})


def whole_stage(config: dict[str, Any], cohort: str, place: str, trainer: dict[str, Any]) -> None:
    """All that the stage does: samples at every checkpoint, and the model's files at the end."""
    run(config, PreparedCohort(Path(cohort)), Path(place), trainer=trainer)


def steps_alone(config: dict[str, Any], cohort: str, place: str, trainer: dict[str, Any]) -> None:
    """The training steps and their checkpoints, without samples, which are drawn in single precision alone."""
    prepared = PreparedCohort(Path(cohort))
    torch.manual_seed(3)
    gan = build(config)
    assert isinstance(gan, GAN)
    gan.schedule, gan.seed = Schedule.from_config(config["train"]), 3
    lesson = Lesson(
        config=config, name="tiny", cohort=prepared, split="development", case_ids=prepared.development, seed=3
    )
    fit(gan, cases_of(gan, lesson, trainer["devices"]), [], None, Path(place), trainer, None, "train")


def in_one_and_in_two(
    training: Callable[..., None], config: dict[str, Any], cohort: PreparedCohort, place: Path, **trainer: Any
) -> tuple[Path, Path]:
    """Do the same training in one process and in two; return their folders."""
    one, two = place / "one", place / "two"
    training(config, str(cohort.folder), str(one), TRAINER | trainer)
    names = {"tests": str(Path(__file__).parent), "training": training.__name__, "cohort": str(cohort.folder)}
    names |= {"place": str(two), "config": config, "trainer": TRAINER | trainer | {"devices": 2}}
    (place / "program.py").write_text(PROGRAM.format(**names))
    done = subprocess.run([sys.executable, place / "program.py"], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return one, two


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(hagan(16, 2), id="whole"),
        pytest.param(hagan(16, 4, accumulate=2), id="accumulated", marks=pytest.mark.slow),
    ],
)
def test_hagan_in_double_precision_is_the_same(
    config: dict[str, Any], make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    """Whole steps: four updates and the average, term for term and weight for weight."""
    folders = in_one_and_in_two(steps_alone, config, make_cohort(), tmp_path, precision="64-true")
    expected, found = (torch.load(folder / "last.ckpt", weights_only=True) for folder in folders)
    assert found["gan"]["images_seen"] == expected["gan"]["images_seen"] == 16
    losses, found_losses = (pd.DataFrame(kept["gan"]["history"]["rows"]) for kept in (expected, found))
    assert len(losses) == 16 // config["train"]["batch_size"]
    assert {name.split("/")[0] for name in losses} == {
        "images",
        "discriminator",
        "generator",
        "encoder_high",
        "encoder_global",
    }
    pd.testing.assert_frame_equal(found_losses, losses, rtol=1e-6, atol=0)  # the history is kept in single precision
    assert found["state_dict"].keys() == expected["state_dict"].keys()
    for name, weights in expected["state_dict"].items():
        assert weights.dtype == torch.float64
        torch.testing.assert_close(found["state_dict"][name], weights, rtol=0, atol=1e-9)


def test_hagan_in_single_precision_has_the_same_gradients(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    """The gradients of a step's four updates, of the same weights: learning rates are next to nothing."""
    config = hagan(4, 4, lr_g=1e-12, lr_d=1e-12, lr_e=1e-12)
    assert config["betas"][0] == 0, "Adam's first moment is the gradient"
    kept = [
        torch.load(folder / "last.ckpt", weights_only=True)["optimizer_states"]
        for folder in in_one_and_in_two(steps_alone, config, make_cohort(), tmp_path)
    ]
    for expected, found in zip(*kept, strict=True):
        gradients, found_gradients = (
            torch.cat([state["exp_avg"].flatten() for state in optimizer["state"].values()])
            for optimizer in (expected, found)
        )
        assert (found_gradients - gradients).norm() < 1e-3 * gradients.norm()
    assert len(kept[0]) == 4


@pytest.mark.parametrize(("config", "steps"), [(tiny_dcgan(), 6), (hagan(8, 2), 3)], ids=["dcgan", "hagan"])
def test_in_single_precision_the_first_losses_are_the_same(
    config: dict[str, Any], steps: int, make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    """Adam turns rounding errors of gradients near zero into whole steps, so later steps of HA-GAN drift apart."""
    folders = [folder / "model" for folder in in_one_and_in_two(whole_stage, config, make_cohort(), tmp_path)]
    losses, found_losses = (pd.read_csv(folder / "losses.csv") for folder in folders)
    assert list(found_losses) == list(losses) and len(found_losses) == len(losses) >= steps
    np.testing.assert_allclose(found_losses[:1], losses[:1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found_losses[:steps], losses[:steps], rtol=1e-2, atol=1e-3)
    assert json.loads((folders[1] / "model.json").read_text())["images_seen"] == config["train"]["images"]
