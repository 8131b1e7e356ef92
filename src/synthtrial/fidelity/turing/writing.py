"""Write the results of a visual Turing test into the folder of its form."""

from __future__ import annotations

import csv
from pathlib import Path

from synthtrial.atomic import atomic_file, atomic_folder, write_json
from synthtrial.fidelity.pictures.style import save
from synthtrial.fidelity.turing.figure import results_figure
from synthtrial.fidelity.turing.ratings import escaped
from synthtrial.fidelity.turing.results import OfRater, Results, as_json
from synthtrial.fidelity.turing.together import Estimate
from synthtrial.fidelity.turing.words import sentences


def write_results(results: Results, folder: Path) -> None:
    """Write `turing.json`, `turing.csv` (a row per rater) and `turing.png` into a folder, which is replaced whole."""
    with atomic_folder(folder) as partial:
        write_json(partial / "turing.json", as_json(results, sentences(results)))
        save(results_figure(results), partial / "turing.png")
        rows = [_row(rater) for rater in results.raters]
        with atomic_file(partial / "turing.csv") as path, path.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            table.writeheader()
            table.writerows(rows)


def _row(rater: OfRater) -> dict[str, str | float]:
    """A rater's numbers, each interval in two columns."""
    row: dict[str, str | float] = {}
    for name, value in vars(rater).items():
        if isinstance(value, Estimate):
            row |= {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}
        else:
            row[name] = escaped(value) if isinstance(value, str) else value
    return row
