"""What a point of a sweep takes beside its training: `python benchmarks/sweep.py [--images 1600]`.

Runs three points of HA-GAN's learning rates on the phantom of study `demo`, one after the other.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from rich.console import Console
from rich.table import Table

REPOSITORY = Path(__file__).resolve().parents[1]
SWEEP = """generator: hagan
space:
  generators.hagan.lr_d: {values: [2.0e-4, 2.5e-4, 3.0e-4]}
sampler: {kind: grid}
objectives: [{metric: frechet/random_conv}]
"""


def main() -> None:
    """Run the sweep and print its points."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--images", type=int, default=1600, help="that each point learns from (default: 1600)")
    images = words.parse_args().images
    with TemporaryDirectory() as place:
        root = Path(place)
        shutil.copytree(REPOSITORY / "conf", root / "conf")
        shutil.copy(REPOSITORY / "dvc.yaml", root)
        (root / "conf/sweep/overhead.yaml").write_text(SWEEP, encoding="utf-8")
        command = [sys.executable, str(REPOSITORY / "pipelines/tune.py"), "overhead", "study=demo"]
        subprocess.run([*command, f"generators.hagan.train.images={images}"], cwd=root)
        print_points(root / "out/demo/sweeps/overhead")


def print_points(folder: Path) -> None:
    """Print the seconds of each point: in all, in training steps, in its other stages, and between them."""
    table = Table("point", "seconds", "training", "synthesis", "beside these", "beyond training")
    points = pd.read_csv(folder / "table.csv", dtype={"point": str})
    for row in points[points["state"] == "complete"].itertuples():
        stages = next(folder.glob(f"points/*/{row.point}/out/demo/stages"))
        records = [json.loads(path.read_text(encoding="utf-8")) for path in stages.glob("*.json")]
        training = sum(record["training_s"] for record in records)
        synthesis = sum(record["wall_s"] for record in records if record["stage"] == "synthesize")
        beyond = row.seconds - training
        values = (row.seconds, training, synthesis, beyond - synthesis, beyond)
        table.add_row(row.point, *(f"{value:.1f}" for value in values))
    Console().print(table)


if __name__ == "__main__":
    main()
