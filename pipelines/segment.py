"""Train and judge the models of one arm: `python pipelines/segment.py ARM [--segmenter NAME] [key=value ...]`."""

from __future__ import annotations

from synthtrial.command_line import stage_words
from synthtrial.errors import run_script


def main() -> None:
    """Train one model per fold, judge each on the test cases, and write `out/<study>/segment/<arm>/<segmenter>/`."""
    place, overrides = stage_words(__doc__, "arm", "segmenter")

    from synthtrial.params import plain, stage_params

    params = stage_params("segment", overrides, **place)

    from synthtrial.cohorts.prepared import PreparedCohort
    from synthtrial.study_folder import StudyFolder
    from synthtrial.tracking import stage_run
    from synthtrial.trial.segment_arm import segment_arm

    study = StudyFolder(params.study.name)
    folder = study.segment(**place)
    with stage_run("segment", params, **place) as run:
        segment_arm(
            study.arms / f"{place['arm']}.csv",
            PreparedCohort(study.prepared),
            **place,
            settings=plain(params.segmenters[place["segmenter"]]),
            trainer=plain(params.trainer) | plain(params.runtime),
            seed=params.study.seed,
            folder=folder,
            checkpoints=study.checkpoints("segment", *place.values()),
            logger_for_fold=lambda fold: run.lightning_logger(f"{place['arm']} {place['segmenter']} fold {fold}"),
        )
        for name in ("folds.csv", "cases.csv"):
            run.log_artifact(folder / name)


if __name__ == "__main__":
    run_script(main)
