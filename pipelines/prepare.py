"""Prepare the cohort of the study in params.yaml: `python pipelines/prepare.py [key=value ...]`."""

from __future__ import annotations

from synthtrial.command_line import stage_words
from synthtrial.errors import run_script


def main() -> None:
    """Read the raw cohort and write `out/<study>/prepared/`."""
    _, overrides = stage_words(__doc__)

    from synthtrial.params import construct, plain, stage_params

    params = stage_params("prepare", overrides)

    from synthtrial.cohorts.case import build_reader
    from synthtrial.cohorts.preparing import PrepareSettings, prepare
    from synthtrial.study_folder import StudyFolder
    from synthtrial.tasks import CLASSIFY
    from synthtrial.tracking import stage_run
    from synthtrial.unfinished import Unfinished

    study = StudyFolder(params.study.name)
    folder = study.prepared
    reader = build_reader(plain(params.cohort))
    settings = construct(PrepareSettings, plain(params.prepare), "prepare")
    with stage_run("prepare", params) as run:
        prepare(
            reader,
            folder,
            settings=settings,
            seed=params.study.seed,
            workers=params.runtime.workers,
            positive=params.protocol.positive if params.task == CLASSIFY.stage else "",
            unfinished=Unfinished(study.checkpoints("prepare"), {"cohort": plain(params.cohort)}),
        )
        run.log_artifact(folder / "profile.json")
        run.log_artifact(folder / "figures")


if __name__ == "__main__":
    run_script(main)
