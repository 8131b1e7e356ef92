"""From a configuration to a generator, and from a trained generator to files and back."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from synthtrial import params
from synthtrial.errors import ConfigError, TrainingError
from synthtrial.gans.generator import Generator
from synthtrial.gans.kept_weights import weights_of
from synthtrial.gans.settings import check_sizes
from synthtrial.hashing import file_sha256

NOT_NETWORK = ("train", "representation", "fits", "classes", "domains", "start_from")
"""Keys of a generator's configuration that its networks don't need as they are."""


def build(config: dict[str, Any]) -> Generator:
    """Build the generator that a configuration describes, before it has learned anything.

    Raises:
        ConfigError: when a key is unknown or missing, a value can't be, or the family can't make the size asked for.
    """
    settings = {key: value for key, value in config.items() if key not in NOT_NETWORK} | class_count(config)
    check_sizes(settings)
    try:
        gan = params.build(settings)
    except TypeError as error:
        raise ConfigError(f"{config['_target_']}: {error}") from error
    if not isinstance(gan, Generator):
        raise ConfigError(f"_target_ {config['_target_']!r} is no subclass of synthtrial.gans.generator.Generator")
    return gan


def class_count(config: dict[str, Any]) -> dict[str, int]:
    """`n_classes` for a family that is to tell several classes apart; nothing otherwise.

    Raises:
        ConfigError: when the family can't.
    """
    classes = config.get("classes") or []
    if len(classes) < 2:
        return {}
    family = params.target_of(config)
    if "n_classes" not in inspect.signature(family).parameters:
        raise ConfigError(
            f"{family.__name__} learns one class, or all alike, but classes is {classes}: name one of them, set "
            "classes=null, or choose hagan, hagan_gp, stylegan2_ada or catgan, which tell classes apart"
        )
    return {"n_classes": len(classes)}


def networks(gan: Generator) -> dict[str, nn.Module]:
    """The networks that learn, by name; without the averaged generator, and modules that hold buffers only."""
    children = {name: module for name, module in gan.named_children() if name != "generator_ema"}
    return {name: module for name, module in children.items() if any(True for _ in module.parameters())}


def parameter_counts(gan: Generator) -> dict[str, int]:
    """Parameters of each network that learns."""
    return {name: sum(p.numel() for p in module.parameters()) for name, module in networks(gan).items()}


def kept_state(gan: Generator) -> dict[str, torch.Tensor]:
    """Parameters and buffers of the networks that a trained model keeps."""
    return {key: value for key, value in gan.state_dict().items() if key.split(".")[0] in gan.saved_networks}


def save_generator(gan: Generator, path: Path) -> str:
    """Write what a trained model keeps, and return the file's SHA-256."""
    save_file(_on_cpu(kept_state(gan)), path)
    return file_sha256(path)


def save_rest(gan: Generator, path: Path) -> None:
    """Write the networks that only a further training needs, such as the discriminator."""
    kept = kept_state(gan).keys()
    rest = networks(gan).keys() - {"generator"}
    state = {key: value for key, value in gan.state_dict().items() if key.split(".")[0] in rest and key not in kept}
    save_file(_on_cpu(state), path)


def _on_cpu(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key: value.cpu().contiguous() for key, value in tensors.items()}


def weights_file(folder: Path, snapshot: int | None = None) -> Path:
    """The file of these weights in `models/<generator>/<split>/`."""
    return folder / "generator.safetensors" if snapshot is None else folder / "snapshots" / f"{snapshot}.safetensors"


def load_generator(folder: Path, snapshot: int | None = None) -> Generator:
    """Read a trained generator from `models/<generator>/<split>/`, in evaluation mode; ready for `sample`.

    Networks that are not kept, such as the discriminator, have random weights.

    Args:
        folder: where it lies.
        snapshot: images after which its training kept the weights to read; None for those that it ended with.

    Raises:
        TrainingError: when there is no trained generator, it kept no such weights, or they are not those of
            `model.json`.
    """
    folder = Path(folder)
    if not (folder / "model.json").is_file():
        raise TrainingError(f"no trained generator in {folder}: run pipelines/train_gan.py first")
    model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    gan = build(model["config"])
    expected, weights = weights_of(model, snapshot), weights_file(folder, snapshot)
    if not weights.is_file() or file_sha256(weights) != expected:
        raise TrainingError(f"{weights} is not the file that model.json beside it describes: train the generator again")
    load_weights(gan, weights)
    return gan.eval().requires_grad_(False)


def load_weights(gan: Generator, path: Path) -> None:
    """Load the networks that a trained model keeps from a safetensors file.

    Raises:
        TrainingError: when they don't fit.
    """
    weights = load_file(path)
    gan.make_room(weights)
    expected = kept_state(gan)
    wrong = [key for key in expected.keys() | weights.keys() if _shape(expected, key) != _shape(weights, key)]
    if wrong:
        raise TrainingError(
            f"{path} holds the weights of another network: {min(wrong)} is {_shape(weights, min(wrong))} there, "
            f"but {_shape(expected, min(wrong))} in {type(gan).__name__} as configured"
        )
    gan.load_state_dict(weights, strict=False)


def _shape(tensors: dict[str, torch.Tensor], key: str) -> tuple[int, ...] | None:
    return tuple(tensors[key].shape) if key in tensors else None
