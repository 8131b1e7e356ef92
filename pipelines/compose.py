"""Compose a study from conf/ into params.yaml: `python pipelines/compose.py study=demo [key=value ...]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from synthtrial.composing import write_params
from synthtrial.errors import run_script

CONF = Path(__file__).resolve().parents[1] / "conf"


def main() -> None:
    """Read Hydra words from the command line and write params.yaml in the working directory."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "words", nargs="*", default=[], metavar="key=value", help="study=NAME first, then any key of the study"
    )
    words = parser.parse_args().words
    params = write_params(words, CONF, Path("params.yaml"))
    arms = ", ".join(params["arm_names"])
    print(f"params.yaml holds the study {params['study']['name']!r} (arms: {arms}); run it with `dvc repro`")


if __name__ == "__main__":
    run_script(main)
