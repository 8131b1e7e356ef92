"""The pieces of a study that can be trained side by side, each by a command of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.launching.command import Command
from synthtrial.launching.dvc_stages import changed_stages
from synthtrial.params import plain
from synthtrial.study_folder import StudyFolder
from synthtrial.tasks import CLASSIFY, SEGMENT
from synthtrial.trial.running.arm_plan import ArmPlan, Place
from synthtrial.trial.running.planning import plan_of


def generator_pieces(params: DictConfig, words: Sequence[str]) -> list[Command]:
    """A command per generator and split whose stage is not up to date; a control learns at once and needs none.

    Args:
        params: of the study.
        words: settings that change no result, for each command.
    """
    changed = changed_stages("train_gan") if params.generator_names else set()
    return [
        _command("train_gan", (generator, "--split", split), (generator, split), words)
        for generator in params.generator_names
        for split in params.splits
        if f"train_gan@{params.study.name}-{generator}-{split}" in changed
        and params.generators[generator].train is not None
    ]


def model_pieces(params: DictConfig, words: Sequence[str]) -> list[Command]:
    """A command per model that is not trained yet, of all arms whose stage is not up to date.

    Args:
        params: of the study, whose arms are assembled.
        words: settings that change no result, for each command.

    Raises:
        LeakError, CohortError, ConfigError: when an arm can't be trained.
    """
    task = SEGMENT if params.task == SEGMENT.stage else CLASSIFY
    changed = changed_stages(task.stage)
    cohort = PreparedCohort(StudyFolder(params.study.name).prepared)
    commands = []
    for place in _arm_places(params):
        arm, model = place["arm"], place[task.model]
        if f"{task.stage}@{params.study.name}-{arm}-{model}" not in changed:
            continue
        for missing in unfinished(params, place, cohort):
            options = (arm, f"--{task.model}", model, "--only", missing.slug)
            commands.append(_command(task.stage, options, (arm, model, missing.slug), words))
    return commands


def unfinished(params: DictConfig, place: dict[str, str], cohort: PreparedCohort) -> list[Place]:
    """The models of an arm that are not in their checkpoints."""
    # One thread: the number takes no part in a model's name, and finding it out may import torch.
    trainer = {**plain(params.trainer), **plain(params.runtime), "threads": 1}
    if SEGMENT.model in place:
        from synthtrial.trial.segmenting.fold_model import is_finished

        plan: ArmPlan = plan_of(params, place, cohort, trainer)
        return [model for model in plan.places if not is_finished(plan, model)]
    from synthtrial.trial.classifying.class_model import is_finished as is_classified
    from synthtrial.trial.classifying.classify_arm import checked_classes, means

    settings = plain(params.classifiers[place[CLASSIFY.model]])
    plan = plan_of(params, place, cohort, means(settings, trainer)[0])
    classes = checked_classes(plan, params.protocol.positive)
    return [model for model in plan.places if not is_classified(plan, classes, model)]


def _arm_places(params: DictConfig) -> list[dict[str, str]]:
    if params.task == CLASSIFY.stage:
        return list(plain(params.classify_places).values())
    return [{"arm": arm, "segmenter": name} for arm in params.arm_names for name in params.segmenter_names]


def _command(stage: str, options: tuple[str, ...], place: tuple[str, ...], words: Sequence[str]) -> Command:
    script = (sys.executable, f"pipelines/{stage}.py")
    return Command("-".join((stage, *place)), (*script, *options, *words), Path.cwd())
