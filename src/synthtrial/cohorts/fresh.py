"""Other patients of a procedural cohort: as many as one likes, from the same source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from synthtrial.cohorts.joined import JoinedCohorts
from synthtrial.cohorts.phantom_ct import PhantomCT
from synthtrial.errors import ConfigError
from synthtrial.params import target_of


def fresh_cohort(cohort: Mapping[str, Any], *, n_patients: int, seed: int) -> dict[str, Any]:
    """A cohort's configuration with other patients in place of its own.

    A joined cohort gets about `n_patients`: as many of each of its cohorts as its own sizes tell.

    Args:
        cohort: a study's `cohort:` subtree.
        n_patients: how many patients.
        seed: of these patients; their cohort's seed is made of it and the cohort's own, so that none is a real one.

    Raises:
        ConfigError: for a cohort that is not made by a phantom, or of such.
    """
    target = target_of(dict(cohort))
    if target is PhantomCT:
        other = np.random.SeedSequence([seed, cohort.get("seed", 0)]).generate_state(1, np.uint64)
        return {**cohort, "n_patients": n_patients, "seed": int(other[0])}
    if target is JoinedCohorts:
        readers = cohort["readers"]
        sizes = {name: reader.get("n_patients", 1) for name, reader in readers.items()}
        share = n_patients / sum(sizes.values())
        fresh = {
            name: fresh_cohort(reader, n_patients=max(1, round(share * sizes[name])), seed=seed + place)
            for place, (name, reader) in enumerate(readers.items())
        }
        return {**cohort, "readers": fresh}
    raise ConfigError(
        f"there is no oracle for the cohort {cohort.get('name', '')!r}: new patients can be drawn for a phantom only, "
        "such as conf/cohort/phantom_ct.yaml. Leave the control `oracle` out of this study"
    )
