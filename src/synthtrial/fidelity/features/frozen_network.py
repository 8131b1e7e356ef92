"""Put weights into a network that will never be trained, and run it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from synthtrial.errors import ConfigError
from synthtrial.hardware import best_device

Network = TypeVar("Network", bound=nn.Module)
COUNTER = "num_batches_tracked"
"""Ending of the keys that old files lack; they are of use in training only."""


def read_state(path: Path) -> dict[str, Tensor]:
    """A state dict of nothing but tensors from a `.safetensors` file, or from one of `torch.save`.

    A dict that lies under `state_dict`, as in a checkpoint, is found; the prefix `module.` that `DataParallel` leaves
    is taken off.

    Raises:
        ConfigError: when there is none, or the file holds code.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            content: Any = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch and pickle raise errors of a dozen types for a broken or a hostile file
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(
            f"weights: {path} is neither safetensors nor a state dict by torch.save that holds tensors alone: {reason}"
        ) from error
    state = content.get("state_dict", content) if isinstance(content, Mapping) else content
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ConfigError(f"weights: {path} holds no state dict, that is, tensors by name")
    return {key.removeprefix("module."): value for key, value in state.items()}


def read_network(make: Callable[[], Network], path: Path, accelerator: str) -> Network:
    """A network with the weights of a file, in evaluation mode, without gradients, in float32.

    Args:
        make: returns the bare network; called on the meta device, so that no time goes into random weights.
        path: what `read_state` can read.
        accelerator: `auto` for a GPU where there is one, or `cpu`.

    Raises:
        ConfigError: when the file can't be read or holds the weights of another network.
    """
    with torch.device("meta"):
        network = make()
    state = read_state(path)
    expected = {key: value.shape for key, value in network.state_dict().items()}
    problems = [f"lacks {key}" for key in expected if key not in state and not key.endswith(COUNTER)]
    problems += [f"has {key}, which is unknown" for key in state if key not in expected]
    problems += [
        f"has {key} of shape {tuple(state[key].shape)}, not {tuple(shape)}"
        for key, shape in expected.items()
        if key in state and state[key].shape != shape
    ]
    if problems:
        more = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise ConfigError(f"weights: {path} holds another network: it {'; it '.join(problems[:3])}{more}")
    counters = {key: torch.zeros(()) for key in expected if key.endswith(COUNTER)}
    network.load_state_dict(counters | {key: value.float() for key, value in state.items()}, assign=True)
    return network.to(best_device({"accelerator": accelerator})).eval().requires_grad_(False)


@contextmanager
def exact_inference() -> Iterator[None]:
    """No gradients; and on a GPU full float32 and the same bytes at every run, at some cost of speed."""
    with (
        torch.inference_mode(),
        torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
    ):
        yield
