"""Train and judge an arm's models: `python pipelines/segment.py ARM [--segmenter NAME] [--only MODEL] [key=value]`."""

from __future__ import annotations

from synthtrial.command_line import stage_words
from synthtrial.errors import run_script


def main() -> None:
    """Train the models of every fold, judge them, and write `out/<study>/segment/<arm>/<segmenter>/`."""
    place, overrides = stage_words(__doc__, "arm", "segmenter", "only")
    only = place.pop("only", None)

    from synthtrial.params import plain, stage_params
    from synthtrial.processes import check_machine

    params = stage_params("segment", overrides, **place)
    trainer = plain(params.trainer) | plain(params.runtime)
    check_machine(trainer)

    from synthtrial.cohorts.prepared import PreparedCohort
    from synthtrial.study_folder import StudyFolder
    from synthtrial.tracking import stage_run
    from synthtrial.trial.running.planning import plan_of
    from synthtrial.trial.running.preparing import prepare_processes
    from synthtrial.trial.segmenting.segment_arm import PRELOAD, segment_arm, segment_one

    study = StudyFolder(params.study.name)
    cohort, folder = PreparedCohort(study.prepared), study.segment(**place)
    if not only:
        prepare_processes(cohort, trainer, params.protocol.repeats, PRELOAD)
    with stage_run("segment", params, **place, **({"only": only} if only else {})) as run:
        plan = plan_of(params, place, cohort, trainer)
        if only:
            segment_one(plan, plan.place(only), segmenter=place["segmenter"], run=run)
            return
        segment_arm(
            plan,
            segmenter=place["segmenter"],
            folder=folder,
            tolerance_mm=params.protocol.nsd_tolerance_mm,
            run=run,
        )
        for name in ("folds.csv", "cases.csv"):
            run.log_artifact(folder / name)


if __name__ == "__main__":
    run_script(main)
