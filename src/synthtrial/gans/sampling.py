"""Which case comes when: an endless, seeded stream of permutations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class ImageStream(Sampler[int]):
    """Image number p of the training is case `permutation_k[p - k n]` with `k = p // n`, whatever happened before.

    So training that was killed meets the same cases again. Every case is seen once before any is seen twice.

    Args:
        n_cases: number n of cases.
        seed: seed of the permutations.
        length: images per epoch; the stretch between two checkpoints.
    """

    def __init__(self, n_cases: int, seed: int, length: int) -> None:
        self.n_cases = n_cases
        self.seed = seed
        self.length = length
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Move to the start of an epoch; Lightning calls this."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        first = self.epoch * self.length
        turn, permutation = -1, np.empty(0, int)
        for position in range(first, first + self.length):
            if position // self.n_cases != turn:
                turn = position // self.n_cases
                permutation = np.random.default_rng((self.seed, turn)).permutation(self.n_cases)
            yield int(permutation[position % self.n_cases])
