"""The real cases of a split, as the tensors a generator learns from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.representations.channels import Channels


class RealCases(Dataset[dict[str, Tensor]]):
    """Encoded cases `{"real": (channels, *padded)}`, read from the prepared cohort when asked for."""

    def __init__(self, cohort: PreparedCohort, case_ids: Sequence[str], representation: Channels) -> None:
        self.cohort = cohort
        self.case_ids = list(case_ids)
        self.representation = representation

    def __len__(self) -> int:
        return len(self.case_ids)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        case_id = self.case_ids[index]
        array = self.representation.encode(self.cohort.image(case_id), self.cohort.mask(case_id))
        return {"real": torch.from_numpy(array)}
