"""A synthetic cohort written by hand, in the format of `synthesize`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest

from synthtrial.cohorts.prepared import INT16_SCALE, PreparedCohort
from synthtrial.cohorts.synthetic import MANIFEST_COLUMNS, SyntheticCohort


def write_synthetic_cohort(
    folder: Path,
    cohort: PreparedCohort,
    n_accepted: int = 12,
    n_rejected: int = 2,
    seen: list[str] | None = None,
    seed: int = 1,
    prefix: str = "gan",
    label: str = "",
) -> SyntheticCohort:
    """Write cubes of the cohort's shape as if a generator had drawn them after seeing the development cases."""
    rng = np.random.default_rng(seed)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    rows = []
    for index in range(n_accepted + n_rejected):
        case_id, accepted = f"{prefix}-{index:03d}", index >= n_rejected
        row = dict.fromkeys(MANIFEST_COLUMNS, "") | {
            "case_id": case_id,
            "generator": folder.parent.name,
            "split": folder.name,
            "weights_sha256": "w" * 64,
            "seed": 0,
            "index": index,
            "label": label,
            "accepted": accepted,
            "reason": "" if accepted else "lesion below 8 voxels",
        }
        if accepted:
            mask = np.zeros(cohort.shape, np.uint8)
            mask[tuple(slice(s, s + 5) for s in rng.integers(3, 8, len(cohort.shape)))] = 1
            image = np.clip(rng.normal(-0.5, 0.1, cohort.shape) + 0.8 * mask, -1, 1)
            for kind, array in (("image", np.round(image * INT16_SCALE).astype(np.int16)), ("mask", mask)):
                row[kind] = f"{kind}s/{case_id}.nii"
                nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), folder / row[kind])
                row[f"{kind}_sha256"] = hashlib.sha256((folder / row[kind]).read_bytes()).hexdigest()
        rows.append(row)
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    seen = cohort.development if seen is None else seen
    facts = {
        "generator": folder.parent.name,
        "split": folder.name,
        "seen_cases": seen,
        "seen_patients": sorted(cohort.patients(seen)),
        "labels": cohort.labels,
        "shape": list(cohort.shape),
        "conditions_on": "",
    }
    (folder / "synthetic.json").write_text(json.dumps(facts))
    return SyntheticCohort(folder)


@pytest.fixture
def make_synthetic(tmp_path: Path) -> Callable[..., SyntheticCohort]:
    """Return a function that writes a small synthetic cohort beside the prepared one."""

    def make(
        cohort: PreparedCohort, generator: str = "hagan", split: str = "development", **settings
    ) -> SyntheticCohort:
        return write_synthetic_cohort(tmp_path / "synthetic" / generator / split, cohort, **settings)

    return make
