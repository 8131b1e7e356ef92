"""Real points that are measured on the way: given up where the pruner says so, and else as if nobody had looked."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from cheap import tune, write_project

SWEEP = """# DCGAN's learning rate, looked at once on the way.
generator: dcgan
space:
  generators.dcgan.lr_g: {values: [1.0e-4, 2.0e-4]}
sampler: {kind: grid}
objectives: [{metric: frechet/random_conv, direction: minimize}]
pruning: PRUNING
"""
LOOK = "{images: [200], kind: threshold, settings: {upper: LIMIT}}"


def tuned(folder: Path, pruning: str) -> pd.DataFrame:
    """Run the sweep to its end; return its table."""
    (folder / "conf/sweep/looked.yaml").write_text(SWEEP.replace("PRUNING", pruning), encoding="utf-8")
    code, _, problems = tune(folder, "looked", "study=smoke", "tracking=off", "runtime.threads=1")
    assert code == 0, problems[-2000:]
    return pd.read_csv(folder / "out/smoke/sweeps/looked/table.csv")


@pytest.mark.slow
def test_looks_on_the_way_change_nothing_but_which_points_end(tmp_path: Path) -> None:
    write_project(tmp_path)
    whole = tuned(tmp_path, "null")
    looked = tuned(tmp_path, LOOK.replace("LIMIT", "1.0e+9"))
    given_up = tuned(tmp_path, LOOK.replace("LIMIT", "1.0e-9"))
    metric = "frechet/random_conv"
    assert list(looked["state"]) == ["complete"] * 2 and list(looked[metric]) == list(whole[metric])
    assert list(given_up["state"]) == ["pruned"] * 2 and given_up[metric].isna().all()
    assert not given_up["best"].any()
