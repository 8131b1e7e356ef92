"""Which case comes when: an endless, seeded stream of permutations."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from torch.utils.data import Sampler

from synthtrial.processes import place


class ImageStream(Sampler[int]):
    """Positions in the stream of training images, epoch by epoch; several processes take turns.

    What is at a position depends on nothing that happened before, see `case_at`. So a training that was killed meets
    the same cases again.

    Args:
        length: images per epoch, over all processes; the stretch between two checkpoints.
    """

    def __init__(self, length: int) -> None:
        self.length = length
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Move to the start of an epoch; Lightning calls this."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length // place()[1]

    def __iter__(self) -> Iterator[int]:
        rank, processes = place()
        first = self.epoch * self.length
        return iter(range(first + rank, first + self.length, processes))


def case_at(position: int, n_cases: int, seed: int) -> int:
    """Index of the case at position p of a stream over n cases: `permutation_k[p - k n]` with `k = p // n`.

    Every case is met once before any is met twice.
    """
    return int(_permutation(position // n_cases, n_cases, seed)[position % n_cases])


@lru_cache(maxsize=8)
def _permutation(turn: int, n_cases: int, seed: int) -> np.ndarray:
    """The order of the cases in one turn."""
    return np.random.default_rng((seed, turn)).permutation(n_cases)
