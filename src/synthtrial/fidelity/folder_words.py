"""The words of `python pipelines/fidelity.py --real DIR --synthetic DIR`, and what they do."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from synthtrial.errors import ConfigError


def is_about_folders(words: Sequence[str]) -> bool:
    """Whether the words of a command line ask for two folders to be compared."""
    return any(word.partition("=")[0] in ("--real", "--synthetic") for word in words)


def add_folder_words(parser: argparse.ArgumentParser) -> None:
    """Add the words to a parser."""
    words = parser.add_argument_group(
        "two folders",
        "compare any two folders of PNG, JPEG or NIfTI images; images may be in images/, label maps in masks/",
    )
    words.add_argument("--real", type=Path, metavar="DIR", help="folder of real images")
    words.add_argument("--synthetic", type=Path, metavar="DIR", help="folder of synthetic images")
    words.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there, too")
    words.add_argument(
        "--features",
        nargs="+",
        default=["random_conv"],
        metavar="NAME",
        help="random_conv (default), study_encoder, radiomics, or YAML files as in conf/fidelity/features/",
    )
    words.add_argument(
        "--window",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="intensities, as stored, that are scaled to -1 and 1 (default: 0 and 255 for 8-bit pictures, else the "
        "percentiles 0.5 and 99.5 of the real images)",
    )
    words.add_argument("--repeats", type=int, default=20, help="random halves each value is a mean over (default: 20)")
    words.add_argument("--pairs", type=int, default=100, help="pairs of images that tell the diversity (default: 100)")
    words.add_argument("--batch-size", type=int, default=8, help="images in memory at a time (default: 8)")
    words.add_argument("--seed", type=int, default=0, help="of the halves, the pairs and the noise (default: 0)")
    words.add_argument("--no-copies", action="store_true", help="don't look for copies of real images")
    words.add_argument("--cache", type=Path, metavar="DIR", help="keep what an extractor learns from the real images")


def compare_by_words(words: argparse.Namespace) -> None:
    """Compare the two folders, print the table, and write the JSON.

    Raises:
        SynthtrialError: with one message for anything that is wrong with the words or the folders.
    """
    if words.real is None or words.synthetic is None:
        raise ConfigError("two folders are compared: give --real DIR and --synthetic DIR")
    if words.json is not None and words.json.is_dir():
        raise ConfigError(f"--json {words.json} is a folder: give the path of a file")

    from rich.console import Console

    from synthtrial.fidelity.compare import compare_folders
    from synthtrial.fidelity.table import print_comparison, write_comparison

    with Console(stderr=True).status("reading and comparing the images"):
        comparison = compare_folders(
            words.real,
            words.synthetic,
            features=[_features(word) for word in words.features],
            window=None if words.window is None else tuple(words.window),
            repeats=words.repeats,
            pairs=words.pairs,
            copy_rate=None if words.no_copies else 0.01,
            seed=words.seed,
            batch_size=words.batch_size,
            cache=words.cache,
        )
    print_comparison(comparison)
    if words.json is not None:
        write_comparison(comparison, words.json)


def _features(word: str) -> Any:
    """Settings of an extractor where the word is a YAML file, else the word."""
    import yaml

    path = Path(word)
    if path.suffix not in (".yaml", ".yml"):
        return word
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"--features {path} can't be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(settings, dict):
        raise ConfigError(f"--features {path}: expected the settings of an extractor, as in conf/fidelity/features/")
    return settings
