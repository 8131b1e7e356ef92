"""Draw synthetic cases: `python pipelines/synthesize.py DRAW [--split SPLIT] [key=value ...]`."""

from __future__ import annotations

from synthtrial.command_line import stage_words
from synthtrial.errors import run_script


def main() -> None:
    """Draw cases from a trained generator, as `draws.<draw>` says; write `out/<study>/synthetic/<draw>/<split>/`."""
    place, overrides = stage_words(__doc__, "draw", "split")

    from synthtrial.params import plain, stage_params

    params = stage_params("synthesize", overrides, **place)

    from synthtrial.hardware import check_devices

    check_devices(params.trainer)

    from synthtrial.cohorts.prepared import PreparedCohort
    from synthtrial.hardware import best_device
    from synthtrial.study_folder import StudyFolder
    from synthtrial.synthesis.drawing import synthesize
    from synthtrial.tracking import stage_run
    from synthtrial.trial.draw import taken_apart
    from synthtrial.trial.protocol import split_seed

    study = StudyFolder(params.study.name)
    cohort = PreparedCohort(study.prepared)
    folder = study.synthetic(**place)
    generator, count, settings = taken_apart(plain(params.draws[place["draw"]]), len(cohort.split(place["split"])))
    with stage_run("synthesize", params, **place) as run:
        synthesize(
            name=place["draw"],
            model_folder=study.model(generator, place["split"]),
            cohort=cohort,
            folder=folder,
            count=count,
            settings=settings,
            seed=split_seed(params.study.seed, place["split"]),
            cache=study.checkpoints("features"),
            device=str(best_device(params.trainer)),
        )
        run.log_artifact(folder / "manifest.csv")


if __name__ == "__main__":
    run_script(main)
