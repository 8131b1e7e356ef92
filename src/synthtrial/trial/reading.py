"""Reading what an arm is filled from: drawn cases, and the models that they were drawn from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.errors import CohortError
from synthtrial.study_folder import StudyFolder
from synthtrial.trial.arm import Arm

Synthetic = Mapping[str, Mapping[str, SyntheticCohort]]
"""Draw to split to the cohort drawn from the generator of that split."""

Models = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Draw to split to the `model.json` of the generator."""


def read_drawn(arms: Sequence[Arm], study: StudyFolder, splits: Sequence[str]) -> tuple[Synthetic, Models]:
    """Read the synthetic cohorts that arms ask for, and their generators' `model.json`, by draw and split.

    Raises:
        CohortError: when a cohort or its model is missing.
    """
    names = sorted({draw for arm in arms for draw in arm.synthetic})
    drawn = {name: {split: SyntheticCohort(study.synthetic(name, split)) for split in splits} for name in names}
    models = {name: {split: _read_model(study, cohort) for split, cohort in drawn[name].items()} for name in names}
    return drawn, models


def _read_model(study: StudyFolder, drawn: SyntheticCohort) -> dict[str, Any]:
    path = study.model(drawn.facts["generator"], drawn.facts["split"]) / "model.json"
    if not path.is_file():
        raise CohortError(f"{drawn.folder} was drawn from a generator that is gone ({path}): train it again")
    return json.loads(path.read_text(encoding="utf-8"))
