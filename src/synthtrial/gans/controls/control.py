"""What controls have in common: no network, no steps; they keep cases, and draw i is one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from synthtrial.cohorts.prepared import INT16_SCALE
from synthtrial.errors import ConfigError
from synthtrial.gans.dataset import RealCases
from synthtrial.gans.fitting import as_size
from synthtrial.gans.generator import Generator

SPARE = 1.2
"""A fifth more cases are kept than are wanted: some are rejected when they are drawn, such as those of tiny lesions."""


class Kept(NamedTuple):
    """A case that a control keeps: `(C, *spatial)` in [-1, 1], and its class, empty where it has none."""

    case: Tensor
    label: str


class Control(Generator):
    """A generator that keeps cases, as its representation encodes them, and gives case i as draw i.

    So it goes through every stage that other generators go through, with every representation, in 2D and 3D.

    Args:
        image_size: side of the arrays, or one length per axis, voxels.
        image_channels: channels C of the arrays.
        spatial_dims: 2 or 3.

    Attributes:
        kept: int16 `(N, C, *spatial)`, `round(x * 32767)` of values in [-1, 1]; without cases until it has learned.
        kept_classes: the class of each of these cases, while it learns; afterwards `model.json` has them.
        split_size: real cases of the split, of all classes, while it learns. What is kept and what is drawn are counted
            by these alike, whichever classes the control is of.
    """

    saved_networks: ClassVar[tuple[str, ...]] = ("kept",)
    conditions_on: Literal["", "label", "source", "mask", "index"] = "index"
    kept: Tensor
    kept_classes: Sequence[str] = ()
    split_size: int = 0

    def __init__(self, *, image_size: int | Sequence[int], image_channels: int, spatial_dims: int) -> None:
        super().__init__()
        size = as_size(image_size, spatial_dims)
        self.register_buffer("kept", torch.empty(0, image_channels, *size, dtype=torch.int16))

    def cases(self, real: RealCases) -> Iterator[Kept]:
        """The cases to keep; `real` are those of the split."""
        raise NotImplementedError

    def learn(self, real: RealCases) -> None:
        """Keep cases, once and for all."""
        stored = [(torch.round(case * INT16_SCALE).to(torch.int16), label) for case, label in self.cases(real)]
        self.kept = torch.stack([case for case, _ in stored])
        self.kept_classes = [label for _, label in stored]

    @property
    def limit(self) -> int | None:
        """As many different samples as cases are kept."""
        return len(self.kept)

    def sample(self, n: int, rng: torch.Generator, condition: Tensor | None = None) -> Tensor:
        """The cases `(n, C, *spatial)` of the draws with the numbers `condition` `(n,)`; then from the first again."""
        assert condition is not None
        return self.kept[condition % len(self.kept)].float() / INT16_SCALE

    def make_room(self, weights: Mapping[str, Tensor]) -> None:
        """Make room for as many cases as were kept."""
        if "kept" in weights:
            self.kept = self.kept.new_empty(len(weights["kept"]), *self.kept.shape[1:])


def class_of(real: RealCases, case_id: str) -> str:
    """The class of a real case; empty where it has none."""
    return str(real.cohort.cases.at[case_id, "label"])


def wanted(per_real: float, split_size: int) -> int:
    """How many cases a control keeps: `per_real` for each real case of the split, and some to spare.

    Raises:
        ConfigError: for none.
    """
    if per_real <= 0:
        raise ConfigError(f"per_real={per_real:g}: a control must keep some cases for each real one")
    return ceil(SPARE * per_real * split_size)
