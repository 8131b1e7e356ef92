"""List the training cases of every arm and fold: `python pipelines/assemble.py [key=value ...]`."""

from __future__ import annotations

from synthtrial.command_line import stage_words
from synthtrial.errors import run_script


def main() -> None:
    """Compose the arms of the study, refuse leaks, and write `out/<study>/arms/`."""
    _, overrides = stage_words(__doc__)

    from synthtrial.params import composed_with, plain, stage_params

    params = stage_params("assemble", overrides)

    from synthtrial.cohorts.prepared import PreparedCohort
    from synthtrial.study_folder import StudyFolder
    from synthtrial.tasks import CLASSIFY
    from synthtrial.tracking import stage_run
    from synthtrial.trial.arm import read_arms
    from synthtrial.trial.arms import assemble
    from synthtrial.trial.draw import Redraw
    from synthtrial.trial.guard import check_classes, class_names
    from synthtrial.trial.metric_words import check_class
    from synthtrial.trial.protocol import protocol_of
    from synthtrial.trial.reading import read_drawn

    study = StudyFolder(params.study.name)
    arms = read_arms(plain(params.arms))
    cohort = PreparedCohort(study.prepared)
    protocol = protocol_of(params.protocol.name)
    classify = params.task == CLASSIFY.stage
    if classify:
        check_classes(cohort, protocol, params.protocol.positive)
        check_class(params.protocol.metric, class_names(cohort, params.protocol.positive))
    synthetic, models = read_drawn(arms, study, protocol.splits(len(cohort.folds)))
    with stage_run("assemble", params) as run:
        assemble(
            arms,
            cohort,
            synthetic,
            models,
            protocol=protocol,
            seed=params.study.seed,
            folder=study.arms,
            redraw=Redraw(composed_with(), plain(params.draws), params.synthesis.per_real),
            by_class=classify,
        )
        run.log_artifact(study.arms)


if __name__ == "__main__":
    run_script(main)
