"""List the training cases of every arm and fold: `python pipelines/assemble.py [key=value ...]`."""

from __future__ import annotations

from synthtrial.command_line import stage_words
from synthtrial.errors import run_script


def main() -> None:
    """Compose the arms of the study, refuse leaks, and write `out/<study>/arms/`."""
    _, overrides = stage_words(__doc__)

    from synthtrial.params import plain, stage_params

    params = stage_params("assemble", overrides)

    from synthtrial.cohorts.prepared import PreparedCohort
    from synthtrial.cohorts.synthetic import SyntheticCohort
    from synthtrial.study_folder import StudyFolder
    from synthtrial.tracking import stage_run
    from synthtrial.trial.arm import read_arms
    from synthtrial.trial.arms import assemble

    study = StudyFolder(params.study.name)
    arms = read_arms(plain(params.arms))
    generators = {generator for arm in arms for generator in arm.synthetic}
    with stage_run("assemble", params) as run:
        assemble(
            arms,
            PreparedCohort(study.prepared),
            {name: {"development": SyntheticCohort(study.synthetic(name, "development"))} for name in generators},
            protocol=params.protocol.name,
            seed=params.study.seed,
            folder=study.arms,
        )
        run.log_artifact(study.arms)


if __name__ == "__main__":
    run_script(main)
