"""Train and judge the models of one arm: `python pipelines/segment.py ARM [--segmenter NAME] [key=value ...]`."""

from __future__ import annotations

from synthtrial.command_line import stage_words
from synthtrial.errors import run_script


def main() -> None:
    """Train the models of every fold, judge them, and write `out/<study>/segment/<arm>/<segmenter>/`."""
    place, overrides = stage_words(__doc__, "arm", "segmenter")

    from synthtrial.params import plain, stage_params

    params = stage_params("segment", overrides, **place)

    from synthtrial.cohorts.prepared import PreparedCohort
    from synthtrial.study_folder import StudyFolder
    from synthtrial.tracking import stage_run
    from synthtrial.trial.arm import read_arms
    from synthtrial.trial.protocol import protocol_of
    from synthtrial.trial.running.planning import plan_arm
    from synthtrial.trial.running.preparing import prepare_processes
    from synthtrial.trial.segmenting.segment_arm import PRELOAD, segment_arm

    study = StudyFolder(params.study.name)
    cohort, folder = PreparedCohort(study.prepared), study.segment(**place)
    trainer = plain(params.trainer) | plain(params.runtime)
    prepare_processes(cohort, trainer, params.protocol.repeats, PRELOAD)
    (arm,) = read_arms({place["arm"]: plain(params.arms[place["arm"]])})
    with stage_run("segment", params, **place) as run:
        plan = plan_arm(
            study.arms / f"{arm.name}.csv",
            cohort,
            arm=arm,
            settings=plain(params.segmenters[place["segmenter"]]),
            trainer=trainer,
            seed=params.study.seed,
            checkpoints=study.checkpoints("segment", *place.values()),
            protocol=protocol_of(params.protocol.name),
            repeats=params.protocol.repeats,
        )
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
