"""A prepared cohort of two classes of pictures without masks, grey or RGB, and drawing from what has learned of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrial.cohorts.prepared import INT16_SCALE, PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.gans.fitting import fitted
from synthtrial.gans.training import train
from synthtrial.synthesis.drawing import synthesize

CLASSES = ("benign", "malignant")
IMAGE_ONLY = {"_target_": "synthtrial.cohorts.representations.image_only.ImageOnly"}
TRAINER = {"accelerator": "cpu", "devices": 1, "precision": "32-true", "threads": 1, "loader_workers": 0}
DRAWING = {
    "threshold": 0.0,
    "components": 1,
    "min_lesion_voxels": 8,
    "limit_factor": 4,
    "masks": "real",
    "snapshot": None,
    "copy_rate": None,
    "copy_limit": 0.5,
    "distance_gate": None,
}


def write_pictures(
    folder: Path, shape: tuple[int, int] = (16, 16), channels: int = 1, n_cases: int = 15
) -> PreparedCohort:
    """Noise, darker where a case is benign; one malignant case after two benign ones, three test cases, three folds."""
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    rows = []
    for index in range(n_cases):
        case_id, label = f"case{index:02d}", CLASSES[index % 3 == 2]
        image = np.clip(rng.normal(0.4 if label == "malignant" else -0.4, 0.1, (channels, *shape)), -1, 1)
        np.save(folder / "images" / f"{case_id}.npy", np.round(image * INT16_SCALE).astype(np.int16))
        size = "x".join(map(str, shape))
        facts = {"case_id": case_id, "patient_id": f"p{index:02d}", "site": "AB"[index % 2], "label": label}
        files = {"image": f"images/{case_id}.npy", "mask": "", "shape": size, "spacing_mm": "1x1"}
        rows.append(facts | files | {"intensity_low": 0.0, "intensity_high": 255.0})
    pd.DataFrame(rows).to_csv(folder / "cases.csv", index=False)
    cohort = {"name": "pictures", "unit": "RGB" if channels == 3 else "grey", "spatial_dims": 2, "channels": channels}
    cohort |= {"labels": [], "classes": list(CLASSES), "shape": list(shape), "spacing_mm": [1.0, 1.0]}
    (folder / "cohort.json").write_text(json.dumps(cohort))
    ids = [row["case_id"] for row in rows]
    splits = {"seed": 0, "test": ids[:3], "folds": [ids[3 + k :: 3] for k in range(3)]}
    (folder / "splits.json").write_text(json.dumps(splits))
    return PreparedCohort(folder)


def learn(config: dict[str, Any], cohort: PreparedCohort, place: Path) -> dict[str, Any]:
    """Complete a configuration as compose does, and train in a folder; return `model.json`."""
    return train(
        fitted(config, cohort.labels, cohort.facts["channels"], cohort.shape, "tiny"),
        name="tiny",
        cohort=cohort,
        split="development",
        case_ids=cohort.development,
        folder=place / "model",
        checkpoints=place / "checkpoints",
        trainer=TRAINER,
        seed=3,
    )


def draw(cohort: PreparedCohort, place: Path, count: int, name: str = "tiny", **settings: Any) -> SyntheticCohort:
    """Draw from what has learned in a folder."""
    synthesize(
        name=name,
        model_folder=place / "model",
        cohort=cohort,
        folder=place / name,
        count=count,
        settings=DRAWING | settings,
        seed=1,
        cache=place,
        progress=False,
    )
    return SyntheticCohort(place / name)
