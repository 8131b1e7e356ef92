"""Who runs which point: every point once, whatever is killed.

The state is the list of trials in the storage, and nothing else. A point is taken by creating a running trial that
names it: storages create trials one after the other and number them, which is atomic in all of them. Taking a
waiting trial is not (on SQLite two workers can take the same one). Of two trials of one point the lower number counts,
and the other gives way. There is no queue, so nothing can be lost from one.

Within one machine and folder a lock says whether a point's worker lives. Elsewhere its beat does: a counter in the
trial that must change; the clocks of two machines are never compared.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthtrial.tuning.point_lock import PointLock, this_place

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

SILENT_S = 60.0
"""A worker elsewhere whose beat has not changed for so long is taken for dead, s."""
FAILED = "failed: "
"""How the end of a trial begins whose stage or objective failed; other ends, such as a kill, don't count as tries."""


@dataclass(frozen=True)
class Taken:
    """A point that this worker runs.

    Attributes:
        point: its id.
        trial_id: of its trial, in the storage.
        number: of its trial, in the study.
        params: that an earlier try had, or that the grid says; None when a sampler is to choose them.
        folder: where it works.
        lock: on the folder.
    """

    point: str
    trial_id: int
    number: int
    params: dict[str, Any] | None
    folder: Path
    lock: PointLock


class Ledger:
    """The points of a sweep and what became of them.

    Args:
        study: of Optuna.
        points: id to parameters, or to None where a sampler chooses them.
        folder: of the points' folders.
        retries: how often a failed point is tried again.
        silent_s: see `SILENT_S`.
    """

    def __init__(
        self,
        study: Study,
        points: Mapping[str, dict[str, Any] | None],
        folder: Path,
        retries: int,
        silent_s: float = SILENT_S,
    ) -> None:
        self.study, self.points, self.folder = study, points, folder
        self.retries, self.silent_s = retries, silent_s
        self.place = this_place(folder)
        self._heard: dict[int, tuple[Any, float]] = {}

    def trials(self) -> list[FrozenTrial]:
        """All trials, in the order of their numbers."""
        return sorted(self.study.get_trials(deepcopy=False), key=lambda trial: trial.number)

    def unsettled(self) -> list[str]:
        """Points that have neither finished nor failed for good; those that nobody runs come first."""
        by_point = grouped(self.trials())
        states = {point: self.state(by_point.get(point, [])) for point in self.points}
        return [p for p in states if states[p] == "open"] + [p for p in states if states[p] == "running"]

    def failed(self) -> dict[str, str]:
        """Points that have failed for good, and why."""
        by_point = grouped(self.trials())
        return {
            point: failures(by_point[point])[-1]
            for point in self.points
            if self.state(by_point.get(point, [])) == "failed"
        }

    def state(self, trials: Sequence[FrozenTrial]) -> str:
        """What the trials of one point say of it: finished, failed, running or open."""
        if any(is_result(trial) for trial in trials):
            return "finished"
        if len(failures(trials)) > self.retries:
            return "failed"
        return "running" if any(trial.state.name == "RUNNING" for trial in trials) else "open"

    def take(self, point: str) -> Taken | None:
        """Take a point, or return None when another worker has it or it is settled."""
        lock = PointLock(self.folder / point)
        if not lock.acquire():
            return None
        taken = self._take_locked(point, lock)
        if taken is None:
            lock.release()
        return taken

    def _take_locked(self, point: str, lock: PointLock) -> Taken | None:
        trials = self._of(point)
        for trial in trials:
            if trial.state.name == "RUNNING" and not self._lives(trial):
                self.end(trial._trial_id, "killed")
        if self.state(trials := self._of(point)) != "open":
            return None
        params = self.points[point] or next((trial.params for trial in trials if trial.user_attrs.get("chosen")), None)
        trial_id, number = self._create(point, len(failures(trials)) + 1)
        earlier = [trial for trial in self._of(point) if trial.number < number]
        if any(is_result(trial) or trial.state.name == "RUNNING" for trial in earlier):
            self.end(trial_id, "gave way to an earlier trial")
            return None
        return Taken(point, trial_id, number, params, lock.path.parent, lock)

    def _create(self, point: str, attempt: int) -> tuple[int, int]:
        from optuna.trial import TrialState, create_trial

        attributes = {
            "point": point,
            "place": self.place,
            "worker": f"{platform.node()}:{os.getpid()}",
            "beat": 0,
            "attempt": attempt,
        }
        template = create_trial(state=TrialState.RUNNING, user_attrs=attributes)
        storage = self.study._storage
        trial_id = storage.create_new_trial(self.study._study_id, template)
        return trial_id, storage.get_trial(trial_id).number

    def _lives(self, trial: FrozenTrial) -> bool:
        """Whether the worker of a running trial lives; to be asked with the point's lock in hand."""
        if trial.user_attrs.get("place") == self.place:
            return False  # its worker would hold the lock that this one has
        beat, now = trial.user_attrs.get("beat"), time.monotonic()
        known, since = self._heard.get(trial.number, (None, now))
        if known != beat:
            since = now
        self._heard[trial.number] = (beat, since)
        return now - since < self.silent_s

    def end(self, trial_id: int, reason: str) -> None:
        """Close a trial that has no result, and say why; nothing happens to one that is closed already."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        try:
            self.study._storage.set_trial_user_attr(trial_id, "end", reason[:1000])
            self.study._storage.set_trial_state_values(trial_id, TrialState.FAIL)
        except UpdateFinishedTrialError:
            return

    def finish(self, taken: Taken, values: Sequence[float], *, pruned: bool = False) -> bool:
        """Write a result; False when the trial was closed meanwhile, because its worker seemed dead.

        Args:
            taken: the point.
            values: of the objectives; of a point that was given up, what it had last.
            pruned: whether it was given up.
        """
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        state = TrialState.PRUNED if pruned else TrialState.COMPLETE
        try:
            return self.study._storage.set_trial_state_values(taken.trial_id, state, list(values))
        except UpdateFinishedTrialError:
            return False

    def _of(self, point: str) -> list[FrozenTrial]:
        return grouped(self.trials()).get(point, [])


def grouped(trials: Sequence[FrozenTrial]) -> dict[str, list[FrozenTrial]]:
    """Trials by point."""
    by_point: dict[str, list[FrozenTrial]] = {}
    for trial in trials:
        by_point.setdefault(trial.user_attrs.get("point", ""), []).append(trial)
    return by_point


def is_result(trial: FrozenTrial) -> bool:
    """Whether a trial settles its point."""
    return trial.state.name in ("COMPLETE", "PRUNED")


def failures(trials: Sequence[FrozenTrial]) -> list[str]:
    """Why the tries of a point failed, in their order; a killed try is none."""
    ends = [trial.user_attrs.get("end", "") for trial in trials if trial.state.name == "FAIL"]
    return [end.removeprefix(FAILED) for end in ends if end.startswith(FAILED)]
