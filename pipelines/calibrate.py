"""Calibrate the trial by the study in params.yaml: `python pipelines/calibrate.py [--publish] [key=value ...]`.

Runs many small trials whose answer is known, and writes how often the verdict is wrong to `out/<study>/`.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from synthtrial.errors import run_script

DOCS = Path(__file__).resolve().parents[1] / "docs"


def main() -> None:
    """Run the trials that are not done yet, and write `trials.csv`, `datasheet.json` and `report/`."""
    parser = argparse.ArgumentParser(
        description=__doc__, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--publish",
        action="store_true",
        help="run nothing: let the finished calibration's data sheet be the package's own, which every report prints, "
        "and write its tables into docs/calibration.md",
    )
    parser.add_argument(
        "overrides", nargs="*", default=[], metavar="key=value", help="settings to try on top of params.yaml"
    )
    words = parser.parse_args()

    from synthtrial.params import plain, read_header, stage_params

    params = stage_params("calibrate", words.overrides)

    from synthtrial.calibration.publishing import publish
    from synthtrial.calibration.requirements import shortcomings
    from synthtrial.calibration.stage import calibrate
    from synthtrial.report.calibration_page import write_page
    from synthtrial.study_folder import StudyFolder
    from synthtrial.tracking import stage_run

    study = StudyFolder(params.study.name)
    if words.publish:
        for path in publish(study.datasheet, study.report, DOCS):
            print(f"written: {path}")
        return
    with stage_run("calibrate", params) as run:
        table, sheet = calibrate(
            plain(params),
            checkpoints=study.checkpoints("calibrate"),
            trials=study.trials,
            sheet=study.datasheet,
            command=f"{read_header()[0]} && dvc repro",
            say=partial(print, flush=True),
        )
        write_page(table, sheet, study.report, title=params.study.title, dpi=params.report.dpi)
        for path in (study.trials, study.datasheet, study.report):
            run.log_artifact(path)
    print(*(shortcomings(sheet) or ["every requirement is met"]), f"report: {study.report / 'report.html'}", sep="\n")


if __name__ == "__main__":
    run_script(main)
