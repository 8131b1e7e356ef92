"""Print a generator's layers and trainable parameters: `python pipelines/describe.py NAME [key=value ...]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from synthtrial.errors import ConfigError, run_script

CONF = Path(__file__).resolve().parents[1] / "conf"


def main() -> None:
    """Read conf/generator/NAME.yaml, set the words on top, and print one table per network; a control has none."""
    generators, controls = names_in("generator"), names_in("control")
    names = [*generators, *controls]
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("generator", metavar="NAME", help=", ".join(names))
    parser.add_argument(
        "overrides", nargs="*", default=[], metavar="key=value", help="settings on top, such as image_size=256"
    )
    words = parser.parse_args()
    if words.generator not in names:
        raise ConfigError(f"unknown generator {words.generator!r}; there are: {', '.join(names)}")
    if words.generator in controls:
        print(f"{words.generator} is a control: it has no networks, and nothing is trained; see docs/controls.md")
        return

    from synthtrial.gans.describing import print_description, read_generator

    print_description(read_generator(CONF / "generator" / f"{words.generator}.yaml", words.overrides))


def names_in(group: str) -> list[str]:
    """Names of the files of a group of conf/."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


if __name__ == "__main__":
    run_script(main)
