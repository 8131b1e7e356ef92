"""A small prepared cohort that tests write for themselves; it needs no network and no outside data."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd

from synthtrial.cohorts.prepared import INT16_SCALE, PreparedCohort

REPOSITORY = Path(__file__).resolve().parents[1]


def write_prepared_cohort(
    folder: Path,
    shape: tuple[int, ...] = (16, 16, 16),
    n_cases: int = 15,
    labels: tuple[str, ...] = ("lesion",),
    classes: tuple[str, ...] = ("",),
) -> PreparedCohort:
    """Write a prepared cohort of bright balls on a noisy background, three test cases, three folds; classes in turn."""
    rng = np.random.default_rng(0)
    for name in ("images", "masks", "reference"):
        (folder / name).mkdir(parents=True)
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"))
    rows = []
    for index in range(n_cases):
        case_id = f"case{index:02d}"
        mask = np.zeros(shape, np.uint8)
        for value in range(1, len(labels) + 1):
            centre = np.array([rng.uniform(n * 0.3, n * 0.7) for n in shape]).reshape(-1, *[1] * len(shape))
            radius = rng.uniform(0.15, 0.25) * min(shape)
            mask[((grid - centre) ** 2).sum(0) <= radius**2] = value
        image = np.clip(rng.normal(-0.5, 0.1, shape) + 0.8 * (mask > 0), -1, 1)
        np.save(folder / "images" / f"{case_id}.npy", np.round(image * INT16_SCALE).astype(np.int16)[None])
        np.save(folder / "masks" / f"{case_id}.npy", mask)
        nibabel.save(nibabel.Nifti1Image(mask, np.eye(4)), folder / "reference" / f"{case_id}.nii.gz")
        rows.append(
            {
                "case_id": case_id,
                "patient_id": f"p{index:02d}",
                "site": "AB"[index % 2],
                "label": classes[index % len(classes)],
                "image": f"images/{case_id}.npy",
                "mask": f"masks/{case_id}.npy",
                "shape": "x".join(map(str, shape)),
                "spacing_mm": "x".join(["1"] * len(shape)),
                "original_shape": "x".join(map(str, shape)),
                "original_spacing_mm": "x".join(["1"] * len(shape)),
                "intensity_low": -1000.0,
                "intensity_high": 600.0,
                "lesion_ml": float(mask.astype(bool).sum()) / 1000,
                "affine": " ".join(str(x) for x in np.eye(4).ravel()),
                "source": "made by the tests",
            }
        )
    pd.DataFrame(rows).to_csv(folder / "cases.csv", index=False)
    facts = {
        "name": "balls",
        "unit": "HU",
        "spatial_dims": len(shape),
        "channels": 1,
        "labels": list(labels),
        "classes": sorted({*classes} - {""}),
        "shape": list(shape),
        "spacing_mm": [1.0] * len(shape),
    }
    (folder / "cohort.json").write_text(json.dumps(facts))
    ids = [row["case_id"] for row in rows]
    splits = {"seed": 0, "test": ids[:3], "folds": [ids[3 + k :: 3] for k in range(3)]}
    (folder / "splits.json").write_text(json.dumps(splits))
    return PreparedCohort(folder)
