"""A small study for tests of the visual Turing test: real balls, and synthetic cases that are copies of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import MANIFEST_COLUMNS, SyntheticCohort
from synthtrial.synthesis.decoding import SyntheticCase
from synthtrial.synthesis.writing import CaseWriter
from written_cohort import write_prepared_cohort

GENERATOR = "whatgan"
STUDY = "tiny"
CONFIG = {"_target_": "synthtrial.gans.dcgan.DCGAN", "classes": None}
"""Of the generator: what says which cases it has learned from."""


def write_study(
    root: Path, shape: tuple[int, ...] = (16, 16, 16), sources: bool = False, with_masks: bool = True, **settings
) -> tuple[PreparedCohort, SyntheticCohort, Path]:
    """Write `out/tiny/` with a prepared cohort, a model's description, and synthetic cases; the last one was rejected.

    Args:
        root: where `out/` is made.
        shape: of all cases.
        sources: whether each synthetic case says that it was made from the real one that it copies.
        with_masks: whether synthetic cases have masks.
        settings: for `write_prepared_cohort`.

    Returns:
        The real cases, the synthetic ones, and the model's folder.
    """
    study = root / "out" / STUDY
    cohort = write_prepared_cohort(study / "prepared", shape=shape, **settings)
    model, drawn = (study / kind / GENERATOR / "development" for kind in ("models", "synthetic"))
    for folder in (model, drawn):
        folder.mkdir(parents=True)
    facts = {"generator": GENERATOR, "split": "development", "weights_sha256": "0" * 64}
    (model / "model.json").write_text(json.dumps(facts | {"config": CONFIG}))
    writer = CaseWriter(drawn, window=(-1000, 600), spacing_mm=cohort.spacing_mm)
    rows = []
    for index, source in enumerate(cohort.development):
        case_id = f"{GENERATOR}-development-{index:05d}"
        mask = np.asarray(cohort.mask(source)) if with_masks else None
        row = dict.fromkeys(MANIFEST_COLUMNS, "") | {
            "case_id": case_id,
            "accepted": index < len(cohort.development) - 1,
        }
        row |= {"source_case": source if sources else "", "generator": GENERATOR}
        if row["accepted"]:
            written = writer.write(case_id, SyntheticCase(cohort.image(source), mask, 0.0))
            row |= {"image": written.image, "mask": written.mask}
        rows.append(row)
    pd.DataFrame(rows).to_csv(drawn / "manifest.csv", index=False)
    same = {name: cohort.facts[name] for name in ("labels", "channels", "shape", "spacing_mm", "unit")}
    (drawn / "synthetic.json").write_text(json.dumps(facts | same | {"intensity_window": [-1000, 600]}))
    return cohort, SyntheticCohort(drawn), model
