"""Print a generator's layers and trainable parameters: `python pipelines/describe.py NAME [key=value ...]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from synthtrial.errors import ConfigError, run_script

GENERATORS = Path(__file__).resolve().parents[1] / "conf" / "generator"


def main() -> None:
    """Read conf/generator/NAME.yaml, set the words on top, and print one table per network."""
    names = sorted(path.stem for path in GENERATORS.glob("*.yaml"))
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("generator", metavar="NAME", help=", ".join(names))
    parser.add_argument(
        "overrides", nargs="*", default=[], metavar="key=value", help="settings on top, such as image_size=256"
    )
    words = parser.parse_args()
    if words.generator not in names:
        raise ConfigError(f"unknown generator {words.generator!r}; there are: {', '.join(names)}")

    from synthtrial.gans.describing import print_description, read_generator

    print_description(read_generator(GENERATORS / f"{words.generator}.yaml", words.overrides))


if __name__ == "__main__":
    run_script(main)
