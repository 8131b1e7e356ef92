"""Showing and keeping what models in training say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from rich.progress import Progress, TaskID

from synthtrial.processes import leads
from synthtrial.tracking import StageRun
from synthtrial.trial.running.arm_plan import ArmPlan, Place
from synthtrial.trial.running.crew import Crew


class Finished(Protocol):
    """What is to be known of a finished model: its last loss, and when it was trained, in Unix times."""

    @property
    def final_loss(self) -> float: ...
    @property
    def trained(self) -> tuple[float, float] | None: ...


class Watch:
    """A bar of steps for each model in training, with the loss beside it, and a run of its own for its curves.

    Args:
        progress: shows the bars.
        run: of the stage; models get runs below it.
        name: of what is trained, such as `unet on real`.
        steps: says how many a model will take.
    """

    def __init__(self, progress: Progress, run: StageRun, name: str, steps: Callable[[Place], int]) -> None:
        self.progress, self.run, self.name, self.steps = progress, run, name, steps
        self._bars: dict[Place, TaskID] = {}
        self._runs: dict[Place, StageRun] = {}

    def __call__(self, place: Place, words: tuple) -> None:
        """Take what the training of a model says: `log, metrics, step` or `done, record`."""
        kind, *content = words
        take: dict[str, Callable[..., None]] = {"log": self._log, "done": self._finish}
        take[kind](place, *content)

    def _finish(self, place: Place, record: Finished) -> None:
        """Show a finished model, and count the time of its training."""
        self._show(place, self.steps(place), record.final_loss)
        if record.trained is not None:
            self.run.count_training(*record.trained)
        if place in self._runs:
            self._runs[place].finish()

    def _show(self, place: Place, step: int, loss: float) -> None:
        if place not in self._bars:
            self._bars[place] = self.progress.add_task("", total=self.steps(place))
        description = f"{self.name}, {place}, loss {loss:.3f}"
        self.progress.update(self._bars[place], completed=step, description=description)

    def _log(self, place: Place, metrics: Mapping[str, float], step: int) -> None:
        if place not in self._runs:
            self._runs[place] = self.run.child(f"{self.name}, {place}")
        self._runs[place].log_metrics(metrics, step)
        if "loss" in metrics:
            self._show(place, step, metrics["loss"])


def train_all(
    crew: Crew,
    plan: ArmPlan,
    name: str,
    steps: Callable[[Place], int],
    run: StageRun,
    only: Place | None = None,
) -> list[Any]:
    """Let a crew train all models of an arm, and show how they get on.

    Args:
        crew: whose work takes places.
        plan: of the arm.
        name: of the segmenter or classifier.
        steps: of one model's training.
        run: keeps curves and the time of training.
        only: the one model to train; None for all.

    Returns:
        What the work says of each model, in the order of fold and repeat.
    """
    with Progress(refresh_per_second=2, disable=not leads()) as progress:
        records = crew.map([only] if only else plan.places, Watch(progress, run, f"{name} on {plan.arm.name}", steps))
    return sorted(records, key=lambda record: record.place)
