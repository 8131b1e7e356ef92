"""The real cases of a split, as the tensors a generator learns from."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.representations.building import build_representation
from synthtrial.cohorts.representations.padding import Padded
from synthtrial.gans.roles import Roles, roles_of
from synthtrial.gans.sampling import case_at


class RealCases(Dataset[dict[str, Tensor]]):
    """An endless stream of encoded cases, read from the prepared cohort when asked for.

    At each position is a `real` case `(channels, *padded)`, its class as `label ()`, -1 for none, and, where the
    generator translates, a `source` case. The two are not paired: each has an order of its own.

    Args:
        cohort: the prepared cohort.
        roles: which cases are learned from, and as what.
        representation: how a case becomes an array.
        seed: of the order of cases.
    """

    def __init__(self, cohort: PreparedCohort, roles: Roles, representation: Padded, seed: int) -> None:
        self.cohort = cohort
        self.roles = roles
        self.representation = representation
        self.seed = seed

    def __getitem__(self, position: int) -> dict[str, Tensor]:
        case_id = self.real_at(position)
        item = {"real": self.encoded(case_id), "label": torch.tensor(self.roles.label.get(case_id, -1))}
        return item | ({"source": self.encoded(self.source_at(position))} if self.roles.source else {})

    def real_at(self, position: int) -> str:
        """The real case at a position."""
        return self.roles.real[case_at(position, len(self.roles.real), self.seed)]

    def source_at(self, position: int) -> str:
        """The case to translate at a position."""
        return self.roles.source[case_at(position, len(self.roles.source), self.seed + 1)]

    def encoded(self, case_id: str) -> Tensor:
        """A case as the generator sees it, `(channels, *padded)`."""
        return self.encode(self.cohort.image(case_id), self.cohort.mask(case_id))

    def encode(self, image: np.ndarray, mask: np.ndarray) -> Tensor:
        """An image `(C, *shape)` and a label map `(*shape)` as the generator sees them, `(channels, *padded)`."""
        return torch.from_numpy(self.representation.encode(image, mask))


def cases_of_model(model: dict[str, Any], cohort: PreparedCohort, uses_unlabelled: bool) -> RealCases:
    """The real cases that a trained generator has seen, each in the role that it had.

    Args:
        model: content of `model.json`.
        cohort: the prepared cohort that it was trained on.
        uses_unlabelled: whether its family learns from cases without a class.
    """
    roles = roles_of(model["config"], cohort, model["seen_cases"], uses_unlabelled)
    return RealCases(cohort, roles, build_representation(model["representation"]), model["seed"])


def seen_with_copies(model: dict[str, Any], cohort: PreparedCohort) -> list[str]:
    """Ids of the cases that a generator has seen, and of their augmented copies where it has learned from them.

    A control, whose `train` is null, never does.
    """
    seen = list(model["seen_cases"])
    train = model["config"].get("train", {})
    return seen + (cohort.augmented_of(seen) if train is not None and train.get("copies", True) else [])
