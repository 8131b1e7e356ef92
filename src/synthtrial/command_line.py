"""The words that every stage script takes."""

from __future__ import annotations

import argparse

from synthtrial.errors import ConfigError

PLACES: dict[str, tuple[str, dict[str, str]]] = {
    "generator": ("generator", {"help": "a generator of the study"}),
    "draw": ("draw", {"help": "a generator of the study, or another name of `draws:`"}),
    "split": ("--split", {"default": "development", "help": "the cases that it may see (default: development)"}),
    "arm": ("arm", {"help": "an arm of the study"}),
    "classifier": ("--classifier", {"default": "cnn", "help": "a classifier of the study (default: cnn)"}),
    "metrics": ("--metrics", {"metavar": "NAME[,NAME]", "help": "measure these alone, and print them"}),
    "json": ("--json", {"metavar": "FILE", "help": "write what --metrics measures there, too"}),
    "until": ("--until", {"metavar": "IMAGES", "help": "stop at the first checkpoint after so many images"}),
    "only": ("--only", {"metavar": "MODEL", "help": "train one model, such as fold2-repeat0, and judge nothing"}),
    "segmenter": ("--segmenter", {"default": "unet", "help": "a segmenter of the study (default: unet)"}),
}
"""How a stage's place in the matrix is said on the command line."""


def stage_words(description: str | None, *places: str) -> tuple[dict[str, str], list[str]]:
    """Parse the command line of a stage script.

    Args:
        description: the script's docstring, shown by `--help`.
        places: which of generator, draw, split, arm, segmenter, classifier the stage is run for, and what else it can
            be told: `only`, `until`, `metrics`, `json`. Those that the command line leaves out are none of its place.

    Returns:
        The place in the matrix, and the `key=value` words to try on top of params.yaml.
    """
    parser = argparse.ArgumentParser(
        description=description, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for place in places:
        flag, settings = PLACES[place]
        parser.add_argument(flag, **settings)  # type: ignore[arg-type]
    parser.add_argument(
        "overrides", nargs="*", default=[], metavar="key=value", help="settings to try on top of params.yaml"
    )
    words = vars(parser.parse_intermixed_args())  # options may stand between the words
    return {place: words[place] for place in places if words[place] is not None}, words["overrides"]


def whole_number(flag: str, word: str | None) -> int | None:
    """The number that was given for a flag; None where it was not.

    Raises:
        ConfigError: unless it is a whole number of at least 1.
    """
    if word is None:
        return None
    if not word.isdecimal() or int(word) < 1:
        raise ConfigError(f"{flag} must be a whole number of at least 1, not {word!r}")
    return int(word)
