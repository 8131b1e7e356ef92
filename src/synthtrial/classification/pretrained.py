"""Weights of a file for the body of a classifier."""

from __future__ import annotations

from pathlib import Path

import torch

from synthtrial.classification.body import Body
from synthtrial.classification.settings import PretrainedSettings
from synthtrial.errors import ConfigError
from synthtrial.fidelity.features.download import check_sha256
from synthtrial.fidelity.features.frozen_network import COUNTER, read_state
from synthtrial.fidelity.features.weights import ChosenWeights

RANDOM_START = "; or start from random weights with `pretrained: null` and `freeze: false`"


def find_weights(body: Body, settings: PretrainedSettings) -> ChosenWeights | Path:
    """Say where a body's weights come from, without reading them.

    Raises:
        ConfigError: when there is neither a file nor leave to download one.
    """
    name = type(body).__name__
    if body.published is not None:
        try:
            return ChosenWeights(body.published, settings.weights, settings.download, settings.sha256)
        except ConfigError as error:
            raise ConfigError(f"{error}{RANDOM_START}") from error
    if settings.weights is None:
        raise ConfigError(
            f"{name} has no published weights for these images, so none can be downloaded: set `weights` to the path "
            f"of a file of your own{RANDOM_START}"
        )
    path = Path(settings.weights).expanduser()
    if not path.is_file():
        raise ConfigError(f"{name}: there is no file of weights {settings.weights}; set `weights` to its path")
    return path


def take_weights(body: Body, settings: PretrainedSettings) -> None:
    """Read the weights of a file into a body; those of the file's own classifier are left out.

    Raises:
        ConfigError: when there is no such file, or it holds the weights of another network.
        SynthtrialError: when a download fails.
    """
    chosen = find_weights(body, settings)
    if isinstance(chosen, Path):
        check_sha256(chosen, settings.sha256)
    path = chosen if isinstance(chosen, Path) else chosen.file()
    body.network.load_state_dict(_renamed(body, read_state(path), path))


def _renamed(body: Body, state: dict[str, torch.Tensor], path: Path) -> dict[str, torch.Tensor]:
    """The file's weights under the names that the body's network has for them."""
    expected = body.network.state_dict()
    taken, problems = {}, []
    unknown = {key for key in state if not key.startswith(body.left_out or ("\0",))}
    for key, own in expected.items():
        name = next((name for name in (key, *body.keys_in_file(key)) if name in state), None)
        unknown.discard(str(name))
        if name is None and key.endswith(COUNTER):
            taken[key] = torch.zeros_like(own)
        elif name is None:
            problems.append(f"lacks {key}")
        elif state[name].shape != own.shape:
            problems.append(f"has {name} of shape {tuple(state[name].shape)}, not {tuple(own.shape)}")
        else:
            taken[key] = state[name].to(own.dtype)
    problems += [f"has {key}, which is unknown" for key in sorted(unknown)]
    if problems:
        more = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
        found = "; it ".join(problems[:3])
        raise ConfigError(f"weights: {path} holds another network than {type(body).__name__}: it {found}{more}")
    return taken
