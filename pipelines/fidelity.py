"""Compare synthetic with real cases, of a study or of two folders.

python pipelines/fidelity.py DRAW [--split SPLIT] [key=value ...]           a draw of the study in params.yaml
python pipelines/fidelity.py DRAW --metrics frechet/random_conv             only these of its metrics, printed
python pipelines/fidelity.py --real DIR --synthetic DIR [--json FILE]       two folders of PNG, JPEG or NIfTI images
python pipelines/fidelity.py --real DIR --help                              all words for two folders
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from synthtrial.command_line import stage_words
from synthtrial.errors import ConfigError, run_script


def main() -> None:
    """Measure a generator's cases against the real ones, or one folder of images against another."""
    from synthtrial.fidelity.folder_words import add_folder_words, compare_by_words, is_about_folders

    if is_about_folders(sys.argv[1:]):
        parser = argparse.ArgumentParser(
            description="Compare a folder of synthetic images with one of real images.", allow_abbrev=False
        )
        add_folder_words(parser)
        compare_by_words(parser.parse_args())
    else:
        measure_study()


def measure_study() -> None:
    """Measure drawn cases against the real ones of their generator's split; write `out/<study>/fidelity/...`."""
    place, overrides = stage_words(__doc__, "draw", "split", "metrics", "json")
    metrics, json_file = place.pop("metrics", None), place.pop("json", None)
    if json_file and not metrics:
        raise ConfigError("--json goes with --metrics; without it, numbers are in out/<study>/fidelity/")

    from synthtrial.params import plain, stage_params

    params = stage_params("fidelity", overrides, **place)

    from synthtrial.cohorts.prepared import PreparedCohort
    from synthtrial.cohorts.synthetic import SyntheticCohort
    from synthtrial.study_folder import StudyFolder
    from synthtrial.tracking import stage_run

    study = StudyFolder(params.study.name)
    cohort = PreparedCohort(study.prepared)
    draw: dict[str, Any] = {
        "cohort": cohort,
        "split": cohort.split(place["split"]),
        "synthetic": SyntheticCohort(study.synthetic(**place)),
        "model_folder": study.model(params.draws[place["draw"]].generator, place["split"]),
        "settings": plain(params.fidelity),
        "cache": study.checkpoints("features"),
        "seed": params.study.seed,
    }
    if metrics:
        print_metrics(metrics.split(","), json_file, draw)
        return

    from synthtrial.fidelity.measure import measure

    folder = study.fidelity(**place)
    with stage_run("fidelity", params, **place) as run:
        measure(**draw, folder=folder)
        run.log_metrics(json.loads((folder / "fidelity.json").read_text(encoding="utf-8"))["metrics"])
        run.log_artifact(folder)


def print_metrics(names: list[str], json_file: str | None, draw: dict[str, Any]) -> None:
    """Measure a few metrics alone, and print them; nothing of the study is written."""
    from synthtrial.atomic import write_json
    from synthtrial.fidelity.chosen import measure_chosen
    from synthtrial.fidelity.measured import as_json

    measured = measure_chosen(names, **draw)
    for name, one in measured.items():
        print(f"{name} {one.value:.6g} ({one.low:.6g} to {one.high:.6g})")
    if json_file:
        write_json(Path(json_file), as_json(measured))


if __name__ == "__main__":
    run_script(main)
