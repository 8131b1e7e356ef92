"""Random transforms that give the same for the same seed, at little cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from monai.data import get_track_meta, set_track_meta
from monai.transforms import Compose, Randomizable
from monai.utils import MAX_SEED


class Repeatable:
    """Call MONAI transforms with a seed; the result is the one that `Compose.set_random_state(seed)` leads to.

    Drawing small cases, MONAI spends most of its time on new random states for each transform, and on records of what
    it did to each tensor. Here the states are kept and seeded anew, and nothing is recorded.

    Args:
        transforms: the transforms; none of them may be a Compose.
    """

    def __init__(self, transforms: Compose) -> None:
        self.transforms = transforms.set_random_state(seed=0)  # gives each transform a state of its own
        self.states = [list(_states(part)) for part in transforms.transforms if isinstance(part, Randomizable)]

    def __call__(self, sample: dict[str, Any], seed: int) -> dict[str, Any]:
        """The sample, changed as the seed says."""
        own = self.transforms.R
        own.seed(seed % MAX_SEED)
        for states in self.states:
            part_seed = int(own.randint(MAX_SEED, dtype="uint32"))
            for state in states:
                state.seed(part_seed)
        with _nothing_recorded():
            return self.transforms(sample)


def _states(part: Randomizable) -> Iterator[np.random.RandomState]:
    """The random states of a transform and of those inside it, which MONAI seeds alike."""
    if "R" in vars(part):
        yield part.R
    for inner in vars(part).values():
        if isinstance(inner, Randomizable):
            yield from _states(inner)


@contextmanager
def _nothing_recorded() -> Iterator[None]:
    before = get_track_meta()
    set_track_meta(False)
    try:
        yield
    finally:
        set_track_meta(before)
