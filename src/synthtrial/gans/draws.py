"""Random numbers of a training step that are the same in one process and in several.

One process draws a number per sample of the batch. Of several, each draws the same numbers for the whole batch and
keeps those of its own samples, which are every n-th, as `sampling.ImageStream` deals them. A draw that does not come
from here, such as dropout, is another one in each process.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from synthtrial.processes import place

_seed = 0
_shared: dict[torch.device, torch.Generator] = {}


def seed_step(seed: int, images_seen: int) -> None:
    """Let all that is random in a step follow from the training's seed and the images seen.

    In a single process all numbers come from torch's own generators.
    """
    global _seed
    rank, processes = place()
    _shared.clear()
    _seed = _number(seed, images_seen, 0)
    torch.manual_seed(_seed if processes == 1 else _number(seed, images_seen, 1 + rank))


def randn(n: int, *shape: int, device: torch.device | str = "cpu") -> Tensor:
    """Standard normal numbers `(n, *shape)` for the n samples of this process."""
    return _own_rows(n, lambda rows, rng: torch.randn(rows, *shape, device=device, generator=rng), device)


def rand(n: int, *shape: int, device: torch.device | str = "cpu") -> Tensor:
    """Numbers `(n, *shape)` between 0 and 1 for the n samples of this process."""
    return _own_rows(n, lambda rows, rng: torch.rand(rows, *shape, device=device, generator=rng), device)


def randint(low: int, high: int, n: int) -> Tensor:
    """Whole numbers `(n,)` from `low` to below `high` for the n samples of this process."""
    return _own_rows(n, lambda rows, rng: torch.randint(low, high, (rows,), generator=rng), "cpu")


def randint_for_all(low: int, high: int, shape: tuple[int, ...] = ()) -> Tensor:
    """Whole numbers from `low` to below `high` that the whole batch shares."""
    return torch.randint(low, high, shape, generator=_generator("cpu"))


def _own_rows(n: int, draw: Callable[[int, torch.Generator | None], Tensor], device: torch.device | str) -> Tensor:
    rank, processes = place()
    return draw(n * processes, _generator(device))[rank::processes]


def _generator(device: torch.device | str) -> torch.Generator | None:
    """The generator that all processes have alike; None for torch's own, in a single process."""
    if place()[1] == 1:
        return None
    device = torch.device(device)
    if device not in _shared:
        _shared[device] = torch.Generator(device).manual_seed(_seed)
    return _shared[device]


def _number(*key: int) -> int:
    return int(np.random.SeedSequence(key).generate_state(1)[0])
