"""Compare synthetic with real cases, of a study or of two folders.

python pipelines/fidelity.py DRAW [--split SPLIT] [key=value ...]           a draw of the study in params.yaml
python pipelines/fidelity.py --real DIR --synthetic DIR [--json FILE]       two folders of PNG, JPEG or NIfTI images
python pipelines/fidelity.py --real DIR --help                              all words for two folders
"""

from __future__ import annotations

import argparse
import json
import sys

from synthtrial.command_line import stage_words
from synthtrial.errors import run_script


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
    place, overrides = stage_words(__doc__, "draw", "split")

    from synthtrial.params import plain, stage_params

    params = stage_params("fidelity", overrides, **place)

    from synthtrial.cohorts.prepared import PreparedCohort
    from synthtrial.cohorts.synthetic import SyntheticCohort
    from synthtrial.fidelity.measure import measure
    from synthtrial.study_folder import StudyFolder
    from synthtrial.tracking import stage_run

    study = StudyFolder(params.study.name)
    cohort = PreparedCohort(study.prepared)
    folder = study.fidelity(**place)
    with stage_run("fidelity", params, **place) as run:
        measure(
            cohort=cohort,
            split=cohort.split(place["split"]),
            synthetic=SyntheticCohort(study.synthetic(**place)),
            model_folder=study.model(params.draws[place["draw"]].generator, place["split"]),
            settings=plain(params.fidelity),
            folder=folder,
            cache=study.checkpoints("features"),
            seed=params.study.seed,
        )
        run.log_metrics(json.loads((folder / "fidelity.json").read_text(encoding="utf-8"))["metrics"])
        run.log_artifact(folder)


if __name__ == "__main__":
    run_script(main)
