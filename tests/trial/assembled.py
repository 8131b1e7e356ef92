"""Assembling arms from cohorts that tests have written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from synthtrial.cohorts.prepared import AUGMENTED_COLUMNS, PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.hashing import file_sha256
from synthtrial.trial.arm import Arm
from synthtrial.trial.arms import assemble, read_arm
from synthtrial.trial.draw import Redraw
from synthtrial.trial.protocol import protocol_of


def model_of(drawn: SyntheticCohort, **changed: object) -> dict[str, object]:
    """The `model.json` of the generator that a synthetic cohort was drawn from."""
    seen = {key: drawn.facts[key] for key in ("seen_cases", "seen_patients")}
    return {"weights_sha256": "w" * 64, "start_from": None, **seen, **changed}


def assemble_all(
    folder: Path,
    cohort: PreparedCohort,
    arms: Sequence[Arm],
    *drawn: SyntheticCohort,
    protocol: str = "holdout",
    seed: int = 0,
    redraw: Redraw | None = None,
    by_class: bool = False,
    **model: object,
) -> dict[str, pd.DataFrame]:
    """Assemble arms into `folder / "arms"` and read them; `model` are changed facts of the generators."""
    synthetic: dict[str, dict[str, SyntheticCohort]] = {}
    models: dict[str, dict[str, dict[str, object]]] = {}
    for one in drawn:
        draw, split = one.folder.parent.name, one.folder.name
        synthetic.setdefault(draw, {})[split] = one
        models.setdefault(draw, {})[split] = model_of(one, **model)
    where = {"protocol": protocol_of(protocol), "seed": seed, "folder": folder / "arms"}
    assemble(arms, cohort, synthetic, models, **where, redraw=redraw, by_class=by_class)
    return {arm.name: read_arm(folder / "arms" / f"{arm.name}.csv") for arm in arms}


def write_copies(cohort: PreparedCohort, copies: int) -> PreparedCohort:
    """Write altered copies of every development case beside it, each with a value of its own, and read all again."""
    rows = []
    for name in ("images", "masks"):
        (cohort.folder / "augmented" / name).mkdir(parents=True)
    for source in cohort.development:
        for number in range(1, copies + 1):
            copy_id = f"{source}-affine{number}"
            files = {kind: f"augmented/{kind}s/{copy_id}.npy" for kind in ("image", "mask")}
            np.save(cohort.folder / files["image"], np.full((1, *cohort.shape), len(rows), np.int16))
            np.save(cohort.folder / files["mask"], np.array(cohort.mask(source)))
            row = {"case_id": copy_id, "source_case": source, "kind": "affine", "copy": number, **files}
            row |= cohort.cases.loc[source, ["patient_id", "label", "site"]].to_dict()
            rows.append(row | {"image_sha256": file_sha256(cohort.folder / files["image"])})
    pd.DataFrame(rows, columns=list(AUGMENTED_COLUMNS)).to_csv(cohort.folder / "augmented.csv", index=False)
    return PreparedCohort(cohort.folder)
