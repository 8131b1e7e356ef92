"""Training a segmenter in two processes on the CPU (gloo): its losses are those of one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
import json
from pathlib import Path
import torch
from test_training import TRAIN, squares
from synthtrial.processes import leads
from synthtrial.segmentation.training import fit

torch.set_num_threads(1)
network = {{
    "_target_": "monai.networks.nets.SegResNet",
    "init_filters": 8,
    "blocks_down": [1, 1],
    "blocks_up": [1],
    "norm": "INSTANCE",
}}
fitted = fit(
    squares(5),
    squares(3),
    labels=["lesion"],
    channels=1,
    spatial_dims=2,
    settings={{"network": network, "train": TRAIN | {{"steps": 8, "batch_size": 4, "validate_every": 4}}}},
    trainer={{"accelerator": "cpu", "devices": {devices}, "precision": "32-true", "threads": 1}},
    seed=0,
    pretrain_cases=squares(4, value=0.5),
    pretrain=0.5,
    checkpoint=Path({place!r}) / "kept",
)
if leads():
    Path({place!r}, "curve.json").write_text(json.dumps(fitted.curve))
"""


def curve_of(devices: int, place: Path) -> list[dict[str, Any]]:
    """Train the same segmenter, with a pretraining, in some processes; return its curve."""
    place.mkdir()
    program = PROGRAM.format(tests=str(Path(__file__).parent), devices=devices, place=str(place))
    (place / "program.py").write_text(program)
    done = subprocess.run([sys.executable, place / "program.py"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads((place / "curve.json").read_text())


def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    alone, together = (curve_of(devices, tmp_path / f"{devices}") for devices in (1, 2))
    assert [row["step"] for row in together] == [row["step"] for row in alone] == list(range(1, 9))
    # Each step's loss, over the whole batch: the random changes of a case, too, are those of one process.
    for expected, found in zip(alone, together, strict=True):
        assert found["loss"] == pytest.approx(expected["loss"], rel=1e-3)
    dice = [
        [row["validation_dice"] for row in curve if row["validation_dice"] is not None] for curve in (alone, together)
    ]
    assert len(dice[0]) == 2
    np.testing.assert_allclose(dice[1], dice[0], atol=0.02)
