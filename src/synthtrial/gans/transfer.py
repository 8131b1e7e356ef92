"""Starting a training from the weights of another one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from synthtrial.errors import TrainingError
from synthtrial.gans.base import GAN
from synthtrial.gans.model import networks
from synthtrial.hashing import file_sha256


@dataclass(frozen=True)
class Transfer:
    """What a training took from another one.

    Attributes:
        folder: where the other model lies.
        weights_sha256: which weights it has.
        taken: names of the tensors that were taken.
        left: names of the tensors of the new model that start afresh: missing there, or of another shape.
        seen_cases: the cases that the other model has learned from.
        seen_patients: their patients.
    """

    folder: str
    weights_sha256: str
    taken: list[str]
    left: list[str]
    seen_cases: list[str]
    seen_patients: list[str]

    def __str__(self) -> str:
        left = f"; fresh: {', '.join(self.left[:5])}{', ...' if len(self.left) > 5 else ''}" if self.left else ""
        return f"took {len(self.taken)} of {len(self.taken) + len(self.left)} tensors from {self.folder}{left}"


def read_origin(folder: Path) -> dict[str, Any]:
    """Read `model.json` of the model to start from.

    Raises:
        TrainingError: when there is none.
    """
    if not (folder / "model.json").is_file():
        raise TrainingError(f"start_from: there is no trained generator in {folder} (no model.json)")
    return json.loads((folder / "model.json").read_text(encoding="utf-8"))


def seen_before(folder: Path) -> tuple[list[str], list[str]]:
    """The cases that a model has learned from, and their patients, those of the models that it started from included.

    Raises:
        TrainingError: when there is no model.
    """
    return _seen(read_origin(folder))


def transfer(gan: GAN, folder: Path, family: str) -> Transfer:
    """Take every tensor of a trained model that has the same name and shape; the generator's from its average.

    Args:
        gan: the model to start.
        folder: `models/<generator>/<split>/` of any study.
        family: `_target_` of the new model.

    Raises:
        TrainingError: when there is no model, it is of another family, its file is not the one that `model.json`
            describes, or nothing of it fits.
    """
    origin = read_origin(folder)
    if origin["config"]["_target_"] != family:
        raise TrainingError(
            f"start_from: {folder} holds the weights of {origin['config']['_target_'].rpartition('.')[2]}, but this "
            f"generator is {family.rpartition('.')[2]}: weights can only be taken within a family"
        )
    if file_sha256(folder / "generator.safetensors") != origin["weights_sha256"]:
        raise TrainingError(f"start_from: {folder}/generator.safetensors is not what model.json beside it describes")
    found = load_file(folder / "generator.safetensors")
    rest = folder / "discriminator.safetensors"
    found |= load_file(rest) if rest.is_file() else {}
    parts = (networks(gan).keys() - {"generator"}) | {"generator_ema"}
    own = {name: tensor for name, tensor in gan.state_dict().items() if name.split(".")[0] in parts}
    taken = {name: found[name] for name in own if name in found and found[name].shape == own[name].shape}
    # A bias that happens to have the right length is no layer.
    if not any(name.startswith("generator_ema.") and tensor.dim() > 1 for name, tensor in taken.items()):
        raise TrainingError(f"start_from: no layer of {folder} has the shape of this generator's: {_first(own, found)}")
    gan.load_state_dict(taken, strict=False)
    gan.generator.load_state_dict(gan.generator_ema.state_dict())
    seen_cases, seen_patients = _seen(origin)
    return Transfer(
        folder=str(folder),
        weights_sha256=origin["weights_sha256"],
        taken=sorted(taken),
        left=sorted(own.keys() - taken.keys()),
        seen_cases=seen_cases,
        seen_patients=seen_patients,
    )


def _seen(origin: dict[str, Any]) -> tuple[list[str], list[str]]:
    earlier = origin.get("start_from") or {}
    cases, patients = (origin[key] + earlier.get(key, []) for key in ("seen_cases", "seen_patients"))
    return cases, patients


def _first(own: dict[str, Tensor], found: dict[str, Tensor]) -> str:
    name = next(name for name, tensor in own.items() if name.startswith("generator_ema.") and tensor.dim() > 1)
    there = tuple(found[name].shape) if name in found else "missing"
    return f"{name} is {there} there and {tuple(own[name].shape)} here"
