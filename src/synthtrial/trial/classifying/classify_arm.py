"""Running one arm of a two-class study: a classifier per fold and repeat, each judged on all that it may judge."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from synthtrial.atomic import atomic_folder
from synthtrial.classification.settings import NetworkSettings, needs_torch, read_classifier
from synthtrial.errors import CohortError
from synthtrial.processes import leads, one_process
from synthtrial.tracking import StageRun
from synthtrial.trial import guard
from synthtrial.trial.classifying.class_model import ClassRecord, train_model
from synthtrial.trial.classifying.class_tables import Judgement, curve_table, fold_table
from synthtrial.trial.classifying.thresholds import check_rule
from synthtrial.trial.running.arm_plan import ArmPlan, Place
from synthtrial.trial.running.concurrency import processes
from synthtrial.trial.running.crew import Crew, Tell
from synthtrial.trial.running.watching import train_all


def means(settings: Mapping[str, Any], trainer: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What the models of an arm are trained with: a classic model on pixels starts without torch, and takes no GPU.

    Args:
        settings: of the classifier.
        trainer: `accelerator` and more.

    Returns:
        The trainer's settings, and what the fork server of the processes imports.
    """
    if needs_torch(read_classifier(settings, "classifier")):
        return dict(trainer), ("synthtrial.trial.classifying.preloaded_networks",)
    return {**one_process(trainer), "accelerator": "cpu"}, ("synthtrial.trial.classifying.preloaded_classic",)


def classify_arm(
    plan: ArmPlan,
    *,
    classifier: str,
    positive: str,
    threshold: str,
    folder: Path,
    run: StageRun | None = None,
) -> None:
    """Train one classifier on one arm, model by model, and judge it on the cases that the protocol says.

    The models of a fold and repeat start from the same weights in every arm. A model's threshold is chosen on the cases
    that its fold left out, the ensemble's on all of them together, each judged by the models that left it out. Models
    are trained side by side in `fold_workers` processes, whose number changes no result. Finished models are kept in
    the plan's `checkpoints`: the same call goes on from there. Further processes of a training in several train, and
    return before anything is judged.

    Args:
        plan: of the arm.
        classifier: name of the classifier.
        positive: the class whose probability is told.
        threshold: how the probability above which a case counts as positive is chosen: `half`, `youden` or `f1`.
        folder: the folder to write (`folds.csv`, `cases.csv`, `validation.csv`, `curves.csv`), replaced as a whole.
        run: keeps curves, the time of training and the memory of the processes.

    Raises:
        CohortError: when a class is missing, or a training case's files are missing or not the arm's.
        ConfigError: when the threshold would be chosen on judged cases, as under `site_out`.
        ConfigError, TrainingError: as `fit` does.
    """
    check_rule(threshold, plan.protocol)
    classes = checked_classes(plan, positive)
    run = run or StageRun()
    with Crew(
        processes(plan.trainer, len(plan.places)), ClassWork(plan, classes), means(plan.settings, plan.trainer)[1]
    ) as crew:
        records = train_all(crew, plan, classifier, partial(steps_of, plan), run)
    if not leads():
        return
    run.count_memory(crew.peak_rss_mb)
    named = {"arm": plan.arm.name, "classifier": classifier}
    judgement = Judgement(plan, classes, threshold, records)
    with atomic_folder(folder) as partial_folder:
        cases, validation = judgement.cases(), judgement.validation()
        for name, table in (("cases", cases), ("validation", validation)):
            table.assign(**named)[[*named, *table]].to_csv(partial_folder / f"{name}.csv", index=False)
        fold_table(plan, judgement, cases, validation, named).to_csv(partial_folder / "folds.csv", index=False)
        curve_table(records).to_csv(partial_folder / "curves.csv", index=False)


def classify_one(plan: ArmPlan, place: Place, *, classifier: str, positive: str, run: StageRun) -> None:
    """Train one model of an arm into its checkpoint, where `classify_arm` will find it with what it says of its cases.

    Args:
        plan: of the arm.
        place: of the model.
        classifier: name of the classifier.
        positive: the class whose probability is told.
        run: keeps the curve and the time of training.

    Raises:
        CohortError, ConfigError, TrainingError: as `classify_arm` does.
    """
    with Crew(1, ClassWork(plan, checked_classes(plan, positive))) as crew:
        train_all(crew, plan, classifier, partial(steps_of, plan), run, only=place)


def checked_classes(plan: ArmPlan, positive: str) -> tuple[str, str]:
    """The negative class and the positive one, once it is known that the arm has no others.

    Raises:
        CohortError: when a class is missing, or there is another one.
    """
    guard.check_classes(plan.cohort, plan.protocol, positive)
    classes = guard.class_names(plan.cohort, positive)
    _check_labels(plan, classes)
    return classes


def _check_labels(plan: ArmPlan, classes: tuple[str, str]) -> None:
    """Refuse synthetic cases of a class that the cohort does not have, or no longer."""
    if other := sorted(set(plan.rows["label"]) - set(classes)):
        raise CohortError(
            f"arm {plan.arm.name!r} has cases of the class {other[0]!r}, and the cohort has {' and '.join(classes)}: "
            "assemble again (pipelines/assemble.py)"
        )


class ClassWork:
    """What a process does for an arm: train the model of a place.

    Args:
        plan: of the arm.
        classes: the negative class and the positive one.
    """

    def __init__(self, plan: ArmPlan, classes: tuple[str, str]) -> None:
        self.plan, self.classes = plan, classes

    def __call__(self, task: Place, tell: Tell) -> ClassRecord:
        """Do one task."""
        return train_model(self.plan, self.classes, task, tell)


def steps_of(plan: ArmPlan, place: Place) -> int:
    """Optimizer steps of one model's training; 1 for a classic model, which has none."""
    settings = read_classifier(plan.settings, "classifier")
    if isinstance(settings, NetworkSettings):
        return settings.train.steps_for(len(plan.rows_of(place)))
    return 1
