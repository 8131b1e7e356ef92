"""Train a generator on a split: `python pipelines/train_gan.py NAME [--split SPLIT] [--until IMAGES]`."""

from __future__ import annotations

from synthtrial.command_line import stage_words, whole_number
from synthtrial.errors import run_script


def main() -> None:
    """Train, or go on from the last checkpoint, and write `out/<study>/models/<generator>/<split>/`."""
    place, overrides = stage_words(__doc__, "generator", "split", "until")
    until = whole_number("--until", place.pop("until", None))

    from synthtrial.params import plain, stage_params
    from synthtrial.processes import check_machine

    params = stage_params("train_gan", overrides, **place)
    check_machine(params.trainer)

    from synthtrial.cohorts.prepared import PreparedCohort
    from synthtrial.gans.training import train
    from synthtrial.study_folder import StudyFolder
    from synthtrial.tracking import stage_run
    from synthtrial.trial.guard import check_cohort, check_start
    from synthtrial.trial.protocol import protocol_of, split_seed

    study = StudyFolder(params.study.name)
    cohort = PreparedCohort(study.prepared)
    config = plain(params.generators[place["generator"]])
    protocol = protocol_of(params.protocol.name)
    check_cohort(cohort, protocol)
    check_start(config, cohort, protocol, place["split"])
    folder = study.model(**place)
    with stage_run("train_gan", params, **place) as run:
        facts = train(
            config,
            name=place["generator"],
            cohort=cohort,
            split=place["split"],
            case_ids=cohort.split(place["split"]),
            folder=folder,
            checkpoints=study.checkpoints("train_gan", *place.values()),
            trainer=plain(params.trainer) | plain(params.runtime),
            seed=split_seed(params.study.seed, place["split"]),
            logger=run.lightning_logger(),
            on_images=lambda images, page: run.log_artifact(page),
            on_trained=run.count_training,
            until=until,
        )
        if not facts:
            return  # a further process of a training on several devices: the first one writes
        run.set_tags({"collapsed": str(facts["collapsed"]).lower(), "reason": facts["reason"]})
        for name in ("samples.png", "losses.csv", "losses_smooth.csv", "losses_summary.csv", "model.json"):
            run.log_artifact(folder / name)
    if config["train"] is None:
        print(f"{place['generator']} is a control: it looked at {len(facts['seen_cases'])} cases, nothing was trained")
        return
    state = f"collapsed: {facts['reason']}; the last good weights are kept" if facts["collapsed"] else "no collapse"
    print(f"{place['generator']} has learned from {facts['images_seen']} images, {state}")


if __name__ == "__main__":
    run_script(main)
