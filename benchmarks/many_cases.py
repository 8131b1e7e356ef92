"""Print CPU time and peak memory of what handles all cases of a cohort at once: `python benchmarks/many_cases.py`.

The cases are tiny pictures, so that nothing but their number counts. Time should grow with it and not with its square.
CPU seconds are told, which other work on the machine disturbs less. Five minutes.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

COUNTS = (1000, 4000, 10000)
SHAPE = (16, 16)


def write_cohort(folder: Path, n: int) -> None:
    """Write a prepared cohort of noise with a square lesion, a fifth of it test cases, in five folds."""
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    mask = np.zeros(SHAPE, np.uint8)
    mask[4:9, 4:8] = 1
    shared = {"shape": "16x16", "spacing_mm": "1x1", "original_shape": "16x16", "original_spacing_mm": "1x1"}
    shared |= {"intensity_low": -1000.0, "intensity_high": 600.0, "lesion_ml": 0.2, "source": "made here", "label": ""}
    shared["affine"] = " ".join(map(str, np.eye(4).ravel()))
    rows = []
    for index in range(n):
        case_id = f"case{index:06d}"
        np.save(folder / f"images/{case_id}.npy", rng.integers(-20000, 20000, (1, *SHAPE)).astype(np.int16))
        np.save(folder / f"masks/{case_id}.npy", mask)
        files = {"image": f"images/{case_id}.npy", "mask": f"masks/{case_id}.npy"}
        rows.append({"case_id": case_id, "patient_id": f"p{index:06d}", "site": "AB"[index % 2], **files, **shared})
    pd.DataFrame(rows).to_csv(folder / "cases.csv", index=False)
    facts = {"name": "noise", "unit": "HU", "spatial_dims": 2, "channels": 1, "labels": ["lesion"], "classes": []}
    facts |= {"shape": SHAPE, "spacing_mm": [1.0, 1.0], "patients_known": True}
    (folder / "cohort.json").write_text(json.dumps(facts))
    ids = [row["case_id"] for row in rows]
    splits = {"seed": 0, "test": ids[: n // 5], "folds": [ids[n // 5 + fold :: 5] for fold in range(5)]}
    (folder / "splits.json").write_text(json.dumps(splits))


def assemble_arms(folder: Path, n: int) -> None:
    """Five arms of real cases: all, a half, a tenth, and copies again."""
    from synthtrial.cohorts.prepared import PreparedCohort
    from synthtrial.trial.arm import Arm
    from synthtrial.trial.arms import assemble
    from synthtrial.trial.protocol import protocol_of

    arms = [Arm(name=f"real{share}", real=share / 100) for share in (100, 50, 10)]
    arms += [Arm(name=f"again{times}", real=1.0, duplicated=float(times)) for times in (1, 2)]
    cohort = PreparedCohort(folder / "prepared")
    assemble(arms, cohort, {}, {}, protocol=protocol_of("holdout"), seed=0, folder=folder / "arms")


def copy_rule(folder: Path, n: int) -> None:
    """The threshold of the look for copies, given the neighbours of n training cases."""
    from synthtrial.fidelity.audit.rule import CopyRule, Neighbour

    rng = np.random.default_rng(0)
    rows = []
    for index in range(n):
        places = (index + 1 + rng.choice(20, 8, replace=False)) % n
        distances = np.sort(rng.uniform(0.5, 1, 8))
        rows.append([Neighbour(int(c), float(d)) for c, d in zip(places, distances, strict=True)])
    CopyRule(rows, [f"p{index:06d}" for index in range(n)], 0.05)


def membership(folder: Path, n: int) -> None:
    """The membership attack on n training cases and a quarter as many held-out ones."""
    from synthtrial.fidelity.audit.membership import membership_auc

    rng = np.random.default_rng(0)
    inside, outside = rng.gamma(2, 1, n), rng.gamma(2, 1.1, n // 4)
    names = [f"p{index:06d}" for index in range(n)], [f"q{index:06d}" for index in range(n // 4)]
    membership_auc(inside, outside, *names, rng)


PARTS = {"assemble": assemble_arms, "copies: threshold": copy_rule, "membership": membership}


def measure(part: str, n: int) -> None:
    """Run one part in this process alone, so that its peak memory tells of nothing else."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if part == "assemble":
            write_cohort(folder / "prepared", n)
        before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        PARTS[part](folder, n)
        seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{part:18s} {n:6d} cases: {seconds:7.2f} CPU s, peak {peak / 1024:5.0f} MiB ({before / 1024:.0f} before)")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1], int(sys.argv[2]))
    else:
        for part in PARTS:
            for count in COUNTS:
                subprocess.run([sys.executable, __file__, part, str(count)], check=True)
