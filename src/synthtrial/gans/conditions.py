"""What a generator is told beside its noise: a class, a case to translate, or a mask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from synthtrial.errors import ConfigError
from synthtrial.gans.dataset import RealCases
from synthtrial.gans.generator import Generator

Masks = Callable[[int], tuple[np.ndarray, str]]
"""The label map `(*shape)` for sample i, and the real case that it comes from, if any."""


@dataclass(frozen=True)
class Condition:
    """What one sample is told.

    Attributes:
        value: `condition` of `Generator.sample`, for one sample; None when it is told nothing.
        label: name of its class, if it has one.
        source_case: the real case that it is made from, if any.
    """

    value: Tensor | None = None
    label: str = ""
    source_case: str = ""


class Conditions:
    """The condition of sample i: classes, sources and masks in the proportions of the real cases.

    Args:
        kind: `conditions_on` of the family.
        cases: the real cases that the generator has seen.
        masks: where masks come from; None for those of the real cases.
    """

    def __init__(
        self, kind: Literal["", "label", "source", "mask", "index"], cases: RealCases, masks: Masks | None = None
    ) -> None:
        self.cases = cases
        self.masks = masks or self.real_mask
        kinds = {"": self.nothing, "label": self.label, "source": self.source, "mask": self.mask, "index": self.index}
        self._make = kinds[kind]

    def __call__(self, index: int) -> Condition:
        """The condition of sample `index`."""
        return self._make(index)

    def nothing(self, index: int) -> Condition:
        """No condition."""
        return Condition()

    def label(self, index: int) -> Condition:
        """The class of the real case at the index."""
        label = self.cases.roles.label[self.cases.real_at(index)]
        return Condition(torch.tensor([label]), self.cases.roles.classes[label])

    def source(self, index: int) -> Condition:
        """The source case at the index."""
        case_id = self.cases.source_at(index)
        return Condition(self.cases.encoded(case_id)[None], source_case=case_id)

    def mask(self, index: int) -> Condition:
        """A mask, in the channels that the representation gives it."""
        count = self.cases.representation.mask_channels
        if not count:
            raise ConfigError("a generator that makes images to masks needs a representation with mask channels")
        label_map, source_case = self.masks(index)
        cohort = self.cases.cohort
        blank = np.zeros((cohort.facts["channels"], *cohort.shape), np.float32)
        return Condition(self.cases.encode(blank, label_map)[None, -count:], source_case=source_case)

    def index(self, index: int) -> Condition:
        """The index itself."""
        return Condition(torch.tensor([index]))

    def real_mask(self, index: int) -> tuple[np.ndarray, str]:
        """The mask of the real case at the index."""
        case_id = self.cases.real_at(index)
        return self.cases.cohort.mask(case_id), case_id


@dataclass(frozen=True)
class FixedSamples:
    """The same samples at any time of a training: their noise and their conditions don't change.

    Attributes:
        conditions: what they are told.
        n: how many.
        seed: of their noise.
    """

    conditions: Conditions
    n: int
    seed: int

    def __call__(self, gan: Generator) -> Tensor:
        """Draw `(n, C, *spatial)`, one by one to save memory; on the CPU, float32."""
        rng = torch.Generator().manual_seed(self.seed % 2**32)
        return torch.cat([draw(gan, rng, self.conditions(index)) for index in range(self.n)])

    def sources(self) -> Tensor | None:
        """The cases that the samples are translations of, `(n, C, *spatial)`; None when they are none."""
        if not self.conditions.cases.roles.source:
            return None
        return torch.cat([self.conditions(index).value for index in range(self.n)])  # type: ignore[misc]


def draw(gan: Generator, rng: torch.Generator, condition: Condition) -> Tensor:
    """Draw one sample `(1, C, *spatial)`; on the CPU, float32."""
    value = condition.value if condition.value is None else condition.value.to(gan.device)
    return gan.sample(1, rng, value).float().cpu()
