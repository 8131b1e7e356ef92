"""The stream of training cases: as many batches as there are steps, whatever the number of cases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from math import ceil

import numpy as np
import torch
from monai.transforms import Compose
from torch.utils.data import Dataset, Sampler

from synthtrial.processes import place
from synthtrial.supervised.case import TrainingCase
from synthtrial.supervised.repeatable import Repeatable


class CaseDataset(Dataset):
    """Cases by `(draw, index)`: the draw's number seeds the augmentation, so that workers change nothing.

    Args:
        cases: the cases.
        augment: transform of samples; None to take the cases as they are.
        seed: seed of the augmentation.
    """

    def __init__(self, cases: Sequence[TrainingCase], augment: Compose | None = None, seed: int = 0) -> None:
        self.cases, self.seed = list(cases), seed
        self.augment = None if augment is None else Repeatable(augment)

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, place: tuple[int, int]) -> dict[str, torch.Tensor]:
        draw, index = place
        sample = {key: as_tensor(array) for key, array in self.cases[index].loader().items()}
        if self.augment is None:
            return sample
        return self.augment(sample, seed=int(np.random.SeedSequence([self.seed, draw]).generate_state(1)[0]))


def as_tensor(array: np.ndarray) -> torch.Tensor:
    """A tensor that may be written to, as maps of files may not; no copy where the array may."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())


class ShuffledDraws(Sampler[tuple[int, int]]):
    """`(draw, index)` pairs: all cases in a new order, again and again, until `n_draws` are given.

    Several processes take turns, so that together they meet the batches that a single one would.

    Args:
        n_cases: number of cases.
        n_draws: length of the stream, over all processes; steps times batch size.
        seed: seed of the orders.
    """

    def __init__(self, n_cases: int, n_draws: int, seed: int) -> None:
        self.n_cases, self.n_draws, self.seed = n_cases, n_draws, seed

    def __len__(self) -> int:
        return self.n_draws // place()[1]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        rank, processes = place()
        return islice(self._stream(), rank, None, processes)

    def _stream(self) -> Iterator[tuple[int, int]]:
        rng = np.random.default_rng(self.seed)
        for start in range(0, self.n_draws, self.n_cases):
            for offset, index in enumerate(rng.permutation(self.n_cases)[: self.n_draws - start]):
                yield start + offset, int(index)


class InOrder(Sampler[tuple[int, int]]):
    """Each case once, in order, as `(0, index)`.

    Several processes take turns, and have as many turns each: past the last case the first ones come again. What is
    found about those is for `processes.in_turns` to leave out.

    Args:
        n_cases: number of cases.
    """

    def __init__(self, n_cases: int) -> None:
        self.n_cases = n_cases

    def __len__(self) -> int:
        return ceil(self.n_cases / place()[1])

    def __iter__(self) -> Iterator[tuple[int, int]]:
        rank, processes = place()
        return ((0, turn % self.n_cases) for turn in range(rank, len(self) * processes, processes))
