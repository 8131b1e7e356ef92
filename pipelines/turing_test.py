"""Visual Turing test: can a reader tell a generator's cases from real ones?

`turing_test.py build [STUDY] --generator NAME` writes a form for the raters and, apart from it, its key;
`turing_test.py read FOLDER RATINGS.csv ...` reads what they sent back.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from synthtrial.errors import run_script


def main() -> None:
    """Build a form or read its ratings, as the command line says."""
    words = parse()
    (build if words.command == "build" else read)(words)


def parse() -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    form = commands.add_parser("build", help="write form.html for the raters, and key/ to keep", allow_abbrev=False)
    form.add_argument("study", nargs="?", help="the study in out/ (default: that of params.yaml)")
    form.add_argument("--generator", required=True, help="the generator whose cases are shown")
    form.add_argument("--split", default="development", help="the cases that it has seen (default: development)")
    form.add_argument("--real", type=int, default=20, metavar="N", help="number of real cases (default: 20)")
    form.add_argument("--synthetic", type=int, default=20, metavar="N", help="number of synthetic cases (default: 20)")
    form.add_argument(
        "--slices",
        choices=("third", "middle"),
        default="third",
        help="what is shown of a volume: a third of its slices, or the one in its middle (default: third)",
    )
    form.add_argument(
        "--no-mask", action="store_true", help="show no outlines, and cut volumes without looking at masks"
    )
    form.add_argument("--seed", type=int, default=1, help="decides choice, order and names of the cases (default: 1)")
    form.add_argument("--out", type=Path, metavar="DIR", help="default: out/STUDY/turing/GENERATOR")
    ratings = commands.add_parser("read", help="read the raters' CSV files", allow_abbrev=False)
    ratings.add_argument("folder", type=Path, help="the folder that build wrote, with its key")
    ratings.add_argument("ratings", type=Path, nargs="+", help="the CSV files that the raters sent back")
    return parser.parse_args()


def build(words: argparse.Namespace) -> None:
    """Write form and key."""
    from synthtrial.cohorts.prepared import PreparedCohort
    from synthtrial.cohorts.synthetic import SyntheticCohort
    from synthtrial.fidelity.turing.building import Wish, build_form, learned_cases
    from synthtrial.params import load_params
    from synthtrial.study_folder import StudyFolder

    study = StudyFolder(words.study or load_params().study.name)
    wish = Wish(
        study.name, words.split, words.real, words.synthetic, words.slices, mask=not words.no_mask, seed=words.seed
    )
    cohort = PreparedCohort(study.prepared)
    synthetic = SyntheticCohort(study.synthetic(words.generator, words.split))
    folder = words.out or study.root / "turing" / words.generator
    case_ids = learned_cases(cohort, words.split, study.model(words.generator, words.split))
    key = build_form(cohort, case_ids, synthetic, wish, folder)
    size_mb = max((folder / "form.html").stat().st_size / 1e6, 0.1)
    print(
        f"{folder / 'form.html'}: form {key.form_id}, {len(key.shown)} cases, {size_mb:.1f} MB. Send this file alone."
    )
    print(f"{folder / 'key'}: the key. Keep it; without it the ratings can't be read.")


def read(words: argparse.Namespace) -> None:
    """Compare ratings with the key; write `results/` beside the form."""
    from synthtrial.fidelity.turing.key import read_key
    from synthtrial.fidelity.turing.ratings import read_all
    from synthtrial.fidelity.turing.results import evaluate
    from synthtrial.fidelity.turing.words import rater_line, sentences
    from synthtrial.fidelity.turing.writing import write_results

    key = read_key(words.folder)
    results = evaluate(key, read_all(words.ratings, key.form_id, [case.blinded_id for case in key.shown]))
    write_results(results, words.folder / "results")
    for line in (*map(rater_line, results.raters), "", *sentences(results)):
        print(line)
    print(f"\n{words.folder / 'results'}: turing.json, turing.csv, turing.png")


if __name__ == "__main__":
    run_script(main)
