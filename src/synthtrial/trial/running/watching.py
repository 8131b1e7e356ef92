"""Showing and keeping what models in training say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from rich.progress import Progress, TaskID

from synthtrial.tracking import StageRun
from synthtrial.trial.running.arm_plan import Place


class Finished(Protocol):
    """What is to be known of a finished model: its steps, its last loss, and when it was trained, in Unix times."""

    @property
    def steps(self) -> int: ...
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
        """Take what the training of a model says: `step, loss`, `log, metrics, step` or `done, record`."""
        kind, *content = words
        take: dict[str, Callable[..., None]] = {"step": self._show, "log": self._log, "done": self._finish}
        take[kind](place, *content)

    def _finish(self, place: Place, record: Finished) -> None:
        """Show a finished model, and count the time of its training."""
        self._show(place, record.steps, record.final_loss)
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
