"""Train and judge one arm's classifiers: `python pipelines/classify.py ARM [--classifier NAME] [key=value ...]`."""

from __future__ import annotations

from synthtrial.command_line import stage_words
from synthtrial.errors import run_script


def main() -> None:
    """Train the models of every fold, judge them, and write `out/<study>/classify/<arm>/<classifier>/`."""
    place, overrides = stage_words(__doc__, "arm", "classifier", "only")
    only = place.pop("only", None)

    from synthtrial.params import plain, stage_params

    params = stage_params("classify", overrides, **place)

    from synthtrial.cohorts.prepared import PreparedCohort
    from synthtrial.processes import check_machine
    from synthtrial.study_folder import StudyFolder
    from synthtrial.tracking import stage_run
    from synthtrial.trial.classifying.classify_arm import classify_arm, classify_one, means
    from synthtrial.trial.running.planning import plan_of
    from synthtrial.trial.running.preparing import prepare_processes

    settings = plain(params.classifiers[place["classifier"]])
    trainer, preload = means(settings, plain(params.trainer) | plain(params.runtime))
    check_machine(trainer)
    study = StudyFolder(params.study.name)
    cohort, folder = PreparedCohort(study.prepared), study.classify(**place)
    if not only:
        prepare_processes(cohort, trainer, params.protocol.repeats, preload)
    with stage_run("classify", params, **place, **({"only": only} if only else {})) as run:
        plan = plan_of(params, place, cohort, trainer)
        if only:
            classify_one(
                plan, plan.place(only), classifier=place["classifier"], positive=params.protocol.positive, run=run
            )
            return
        classify_arm(
            plan,
            classifier=place["classifier"],
            positive=params.protocol.positive,
            threshold=params.protocol.threshold,
            folder=folder,
            run=run,
        )
        for name in ("folds.csv", "cases.csv"):
            run.log_artifact(folder / name)


if __name__ == "__main__":
    run_script(main)
