"""Print what a study costs before it is run: `python pipelines/cost.py study=NAME --cases N [key=value ...]`.

Images, steps, operations, memory and disk follow from the settings. Hours need a rate, which you measure or assume.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from synthtrial.errors import ConfigError, run_script

CONF = Path(__file__).resolve().parents[1] / "conf"


def main() -> None:
    """Compose the study without writing anything, count, and print two tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, required=True, metavar="N", help="real cases of the cohort")
    parser.add_argument("--of-class", type=int, metavar="N", help="cases of the class that arms add cases to")
    parser.add_argument(
        "--tflops", type=float, metavar="X", help="10^12 operations per second that the machine sustains"
    )
    parser.add_argument(
        "--images-per-second",
        action="append",
        default=[],
        metavar="NAME=RATE",
        help="training rate of a generator, segmenter or classifier, in place of --tflops; may be said several times",
    )
    parser.add_argument("words", nargs="+", metavar="key=value", help="study=NAME first, then any key of the study")
    words = parser.parse_intermixed_args()
    rates = read_rates(words.images_per_second, words.tflops)

    from synthtrial.cohorts.case import build_reader
    from synthtrial.composing import compose
    from synthtrial.costing.amounts import cohort_size
    from synthtrial.costing.printing import print_cost
    from synthtrial.costing.study_cost import disk_gb, generator_trainings, model_trainings

    params, _ = compose(words.words, CONF)
    size = cohort_size(params, words.cases, words.of_class)
    reader = build_reader(params["cohort"])
    trainings = generator_trainings(params) + model_trainings(params, size, reader.channels, len(reader.labels))
    if unknown := rates.keys() - {row.name for row in trainings}:
        raise ConfigError(
            f"--images-per-second names {min(unknown)!r}; there are: {', '.join(r.name for r in trainings)}"
        )
    print_cost(
        params["study"]["name"], trainings, disk_gb(params, size, reader.channels, trainings), rates, words.tflops
    )


def read_rates(words: list[str], tflops: float | None) -> dict[str, float]:
    """Images per second by name.

    Raises:
        ConfigError: for a word that is not NAME=RATE, or a rate that is not above 0.
    """
    rates = {}
    for word in words:
        name, _, rate = word.partition("=")
        try:
            rates[name] = float(rate)
        except ValueError:
            raise ConfigError(f"--images-per-second {word!r}: expected NAME=RATE, such as hagan=0.62") from None
    if any(not 0 < rate < float("inf") for rate in [*rates.values(), 1.0 if tflops is None else tflops]):
        raise ConfigError("--images-per-second and --tflops: a rate must be above 0")
    return rates


if __name__ == "__main__":
    run_script(main)
