"""Put the verdicts of two finished studies side by side: `python pipelines/side_by_side.py STUDY OTHER [--csv FILE]`.

Prints a table in Markdown; a study whose generators have seen judged cases is marked LEAKY.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from synthtrial.errors import run_script


def main() -> None:
    """Compare two studies in `out/`."""
    parser = argparse.ArgumentParser(
        description=__doc__, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", nargs=2, help="two studies in out/")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the full table, too")
    words = parser.parse_args()

    from synthtrial.atomic import atomic_file
    from synthtrial.report.side_by_side import in_markdown, side_by_side
    from synthtrial.study_folder import StudyFolder

    first, second = (StudyFolder(name).root for name in words.study)
    table = side_by_side(first, second)
    print(in_markdown(table, first, second))
    if words.csv:
        with atomic_file(words.csv) as partial:
            table.to_csv(partial, index=False)


if __name__ == "__main__":
    run_script(main)
