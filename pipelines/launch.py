"""Run the study in params.yaml in pieces side by side: `python pipelines/launch.py [STAGE...] [key=value ...]`.

The generators, then the models of all arms, are trained by jobs of their own, as `launcher=none|local|slurm` says; what
is left of the stages, or of the whole study, `dvc repro` runs as a job, too. The same command goes on after a kill.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from synthtrial.errors import run_script

CONF = Path(__file__).resolve().parents[1] / "conf"


def main() -> None:
    """Launch what is not up to date of some stages and all before them; of all without a name."""
    parser = argparse.ArgumentParser(
        description=__doc__, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "words",
        nargs="*",
        default=[],
        metavar="STAGE|key=value",
        help="stages to run, default all; launcher=NAME, and keys of launcher, runtime and tracking",
    )
    words = parser.parse_args().words

    from synthtrial.trial.launching_study import launch_study

    launch_study([word for word in words if "=" not in word], [word for word in words if "=" in word], CONF)


if __name__ == "__main__":
    run_script(main)
