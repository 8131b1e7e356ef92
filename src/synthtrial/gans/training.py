"""Train a generator on a split of a cohort: the whole of the stage `train_gan`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from synthtrial.atomic import atomic_folder, write_json
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.representations.building import build_representation
from synthtrial.errors import ConfigError
from synthtrial.gans.base import GAN
from synthtrial.gans.checkpoints import resumable
from synthtrial.gans.conditions import Conditions, FixedSamples
from synthtrial.gans.controls.control import Control
from synthtrial.gans.controls.learning import learn
from synthtrial.gans.dataset import RealCases
from synthtrial.gans.lesson import Lesson
from synthtrial.gans.loop import fit
from synthtrial.gans.memory import return_memory_promptly
from synthtrial.gans.model import build, load_weights, save_generator, save_rest
from synthtrial.gans.progress import SamplePages, TrainingTime
from synthtrial.gans.roles import Roles
from synthtrial.gans.sample_page import SHOWN, write_sample_page
from synthtrial.gans.schedule import Schedule
from synthtrial.gans.snapshots import Snapshots
from synthtrial.gans.transfer import Transfer, transfer
from synthtrial.gans.tuning import tune
from synthtrial.gans.watch import CollapseWatch
from synthtrial.hashing import file_sha256
from synthtrial.processes import leads, processes_of


def train(
    config: dict[str, Any],
    *,
    name: str,
    cohort: PreparedCohort,
    split: str,
    case_ids: list[str],
    folder: Path,
    checkpoints: Path,
    trainer: dict[str, Any],
    seed: int,
    logger: Any = None,
    on_images: Callable[[int, Path], None] | None = None,
    on_trained: Callable[[float, float], None] | None = None,
    until: int | None = None,
) -> dict[str, Any]:
    """Train a generator, or go on from its last checkpoint, and write `models/<generator>/<split>/`.

    A control learns at once instead, see `controls`.

    Args:
        config: a generator's configuration, see conf/generator and conf/control.
        name: what the study calls it.
        cohort: the prepared cohort.
        split: name of the part of the cohort that it may see.
        case_ids: the cases of that part.
        folder: where the trained model goes, replaced whole at the end.
        checkpoints: where training can go on from after a kill.
        trainer: `accelerator`, `devices`, `precision`, and optionally `nodes`, `threads`, `loader_workers` and the
            switches of `speed.speed_of`.
        seed: seed of the weights, the noise and the order of cases.
        logger: a Lightning logger, a list of them, or None.
        on_images: called after every checkpoint with the images seen and a picture of samples.
        on_trained: called after the last step with the Unix times of the beginning and the end of training, s.
        until: stop at the first checkpoint with so many images seen, and write the model as it is then; another call
            goes on from there, to the same model as without a stop. None trains to the end.

    Returns:
        What `model.json` says of the training; nothing in the further processes of a training in several.

    Raises:
        ConfigError: when the configuration doesn't fit the cohort.
        TrainingError: when a loss is not finite, or `start_from` names weights that don't fit.
    """
    return_memory_promptly()
    if trainer.get("threads"):
        torch.set_num_threads(trainer["threads"])
    torch.manual_seed(seed % 2**32)
    lesson = Lesson(config=config, name=name, cohort=cohort, split=split, case_ids=case_ids, seed=seed)
    gan = build(config)
    if isinstance(gan, Control):
        return learn(gan, lesson, folder) if leads() else {}
    assert isinstance(gan, GAN)
    gan.schedule, gan.seed = Schedule.from_config(config["train"]), seed
    cases = cases_of(gan, lesson, processes_of(trainer))
    started = transfer(gan, Path(config["start_from"]), config["_target_"]) if config.get("start_from") else None
    if started and leads():
        print(started)
    tune(gan, trainer)
    shown = torch.stack([cases.encoded(case_id) for case_id in cases.roles.real[:SHOWN]])
    samples = FixedSamples(Conditions(gan.conditions_on, cases), len(shown), seed)

    def page(path: Path, gan: GAN) -> None:
        sources = samples.sources()
        rows = {"real": shown} | ({} if sources is None else {"source": sources}) | {"synthetic": samples(gan)}
        write_sample_page(path, rows, cases.representation)

    watch = CollapseWatch(shown, samples, gan.schedule.smallest_diversity, gan.schedule.patience, checkpoints)
    snapshots = Snapshots(gan.schedule.snapshots or (), checkpoints)
    callbacks: list[pl.Callback] = [watch, snapshots]
    callbacks += [SamplePages(page, checkpoints, on_images)] if on_images else []
    callbacks += [TrainingTime(on_trained)] if on_trained else []
    last = resumable(checkpoints, origin_of(config, cohort, cases.roles, seed, started))
    if not fit(gan, cases, callbacks, last, checkpoints, trainer, logger, f"train {name} on {split}", until):
        return {}
    if watch.reason and watch.was_good:
        load_weights(gan, watch.good)
    with atomic_folder(folder) as partial:
        weights_hash = save_generator(gan, partial / "generator.safetensors")
        save_rest(gan, partial / "discriminator.safetensors")
        gan.history.write(partial)
        page(partial / "samples.png", gan)
        if again := reconstructions(gan, cases):
            rows = {"real": shown, "reconstructed": torch.cat(again)}
            write_sample_page(partial / "reconstructions.png", rows, cases.representation)
        facts = lesson.facts(
            gan,
            cases.roles,
            weights_hash,
            images_seen=gan.images_seen,
            started=started,
            collapse=watch.reason,
            snapshots=snapshots.write(partial, gan.images_seen),
        )
        write_json(partial / "model.json", facts)
    return facts


def cases_of(gan: GAN, lesson: Lesson, processes: int) -> RealCases:
    """The cases that a generator learns from, each in its role.

    Raises:
        ConfigError: when a class or a domain has no case, or there are fewer cases than in a batch.
    """
    roles = lesson.roles(gan.uses_unlabelled)
    if gan.conditions_on == "source" and not roles.source:
        raise ConfigError("this generator translates: `domains` must say which cases it translates, and into which")
    if gan.schedule.copies:
        roles = roles.with_copies(lesson.cohort)
    size = gan.schedule.batch_size
    if size > len(roles.real):
        raise ConfigError(
            f"train.batch_size={size} is larger than {lesson.split!r}, which has {len(roles.real)} cases to learn from"
        )
    if size % (processes * gan.schedule.accumulate):
        raise ConfigError(
            f"train.batch_size={size} must be a multiple of the training's {processes} processes "
            f"(trainer.devices x trainer.nodes) times train.accumulate={gan.schedule.accumulate}"
        )
    return RealCases(lesson.cohort, roles, build_representation(lesson.representation()), gan.seed)


def reconstructions(gan: GAN, cases: RealCases) -> list[Tensor]:
    """The cases on the sample page, encoded and generated again one by one; none for a family without an encoder."""
    found = []
    for case_id in cases.roles.real[:SHOWN]:
        label = torch.tensor([cases.roles.label.get(case_id, -1)], device=gan.device)
        again = gan.reconstruct(cases.encoded(case_id)[None].to(gan.device), label)
        if again is None:
            return []
        found.append(again.float().cpu())
    return found


def origin_of(
    config: dict[str, Any], cohort: PreparedCohort, roles: Roles, seed: int, started: Transfer | None
) -> dict[str, Any]:
    """What makes a training this very training: a checkpoint is only taken up by its own."""
    return {
        "config": config,
        "cohort": [file_sha256(path) for path in sorted(cohort.folder.glob("*.csv"))],
        "case_ids": [*roles.real, *roles.source],
        "seed": seed,
        "start": started.weights_sha256 if started else None,
    }
