"""Compare synthetic with real cases: `python pipelines/fidelity.py GENERATOR [--split SPLIT] [key=value ...]`."""

from __future__ import annotations

import json

from synthtrial.command_line import stage_words
from synthtrial.errors import run_script


def main() -> None:
    """Measure a generator's cases against the real ones of its split; write `out/<study>/fidelity/...`."""
    place, overrides = stage_words(__doc__, "generator", "split")

    from synthtrial.params import plain, stage_params

    params = stage_params("fidelity", overrides, **place)

    from synthtrial.cohorts.prepared import PreparedCohort
    from synthtrial.fidelity.measure import measure
    from synthtrial.study_folder import StudyFolder
    from synthtrial.synthesis.cohort import SyntheticCohort
    from synthtrial.tracking import stage_run

    study = StudyFolder(params.study.name)
    cohort = PreparedCohort(study.prepared)
    folder = study.fidelity(**place)
    settings = plain(params.fidelity)
    with stage_run("fidelity", params, **place) as run:
        measure(
            cohort=cohort,
            case_ids=cohort.split(place["split"]),
            synthetic=SyntheticCohort(study.synthetic(**place)),
            features=settings.pop("features"),
            settings=settings,
            folder=folder,
            seed=params.study.seed,
        )
        run.log_metrics(json.loads((folder / "fidelity.json").read_text(encoding="utf-8"))["metrics"])
        run.log_artifact(folder)


if __name__ == "__main__":
    run_script(main)
