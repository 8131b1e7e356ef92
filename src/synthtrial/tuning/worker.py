"""A worker: takes points of a sweep and runs them until none is left."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthtrial.atomic import write_json
from synthtrial.errors import SynthtrialError
from synthtrial.tuning.aims import value_of, values_of
from synthtrial.tuning.beating import Beat, PointLost
from synthtrial.tuning.execution import read_json, read_metrics, run_stages, warm_context
from synthtrial.tuning.ledger import FAILED, Ledger, Taken
from synthtrial.tuning.on_the_way import PointPruned, Watch
from synthtrial.tuning.plan import parts_of, result_files
from synthtrial.tuning.point_folder import prepare_point
from synthtrial.tuning.runs import SweepRuns
from synthtrial.tuning.sampling import choose
from synthtrial.tuning.storage import while_it_answers

if TYPE_CHECKING:
    from optuna import Study

    from synthtrial.tuning.sweep import Sweep

PAUSE_S = 1.0
"""How long to wait for the points of others, s."""
RESULT = "result.json"


@dataclass(frozen=True)
class Outcome:
    """What became of a point.

    Attributes:
        state: of its run in MLflow: FINISHED, FAILED or KILLED.
        metrics: by name.
        reason: why it ended before its end; empty where it did not.
    """

    state: str
    metrics: Mapping[str, float]
    reason: str = ""


def work(sweep: Sweep) -> None:
    """Run points of a sweep until all are settled, in this process's own name."""
    study, ledger = sweep.open()
    with while_it_answers(sweep.url):
        Worker(sweep, study, ledger, SweepRuns(sweep, sweep.params["tracking"])).work()


class Worker:
    """Runs points until none is left.

    Args:
        sweep: the sweep.
        study: of Optuna.
        ledger: who runs what.
        runs: in MLflow.
    """

    def __init__(self, sweep: Sweep, study: Study, ledger: Ledger, runs: SweepRuns) -> None:
        self.sweep, self.study, self.ledger, self.runs = sweep, study, ledger, runs
        self.context = warm_context(sweep.settings.stages)

    def work(self) -> None:
        """Run points until all are settled, those of dead workers included."""
        while unsettled := self.ledger.unsettled():
            self.sweep.check_unchanged()  # here, for a point is not to blame for it
            taken = next((taken for point in unsettled if (taken := self.ledger.take(point))), None)
            if taken is None:
                time.sleep(PAUSE_S)
                continue
            try:
                self.run_point(taken)
            finally:
                taken.lock.release()

    def run_point(self, taken: Taken) -> None:
        """Run one point, write what became of it, and say so."""
        started = time.monotonic()
        slot = list(self.sweep.points).index(taken.point)
        with Beat(self.study._storage, taken.trial_id) as beat:
            point = choose(self.study, taken.trial_id, slot, self.sweep.axes, taken.params, self.sweep.settings.choice)
            run = self.runs.begin(taken.number, taken.point, point)
            try:
                outcome = self.outcome(taken, point, beat, started)
            except BaseException:
                self.ledger.end(taken.trial_id, "stopped")
                self.runs.end(run, "KILLED", {}, taken.folder, "stopped")
                raise
        self.runs.end(run, outcome.state, outcome.metrics, taken.folder, outcome.reason)
        self.say(taken, point, outcome, time.monotonic() - started)

    def outcome(self, taken: Taken, point: Mapping[str, Any], beat: Beat, started: float) -> Outcome:
        """Run the stages of a point, and close its trial in the storage."""
        aims = self.sweep.settings.aims
        try:
            metrics = self.measured(taken, point, beat)
            values = values_of(aims, metrics)
        except PointPruned as pruned:
            self.study._storage.set_trial_user_attr(taken.trial_id, "end", str(pruned))
            self.note_seconds(taken, started)
            self.ledger.finish(taken, [pruned.value], pruned=True)
            return Outcome("FINISHED", {aims[0].metric: pruned.value}, str(pruned))
        except PointLost as error:
            return Outcome("KILLED", {}, str(error))
        except (SynthtrialError, OSError) as error:
            reason = FAILED + str(error)
            self.ledger.end(taken.trial_id, reason)
            return Outcome("FAILED", {}, reason)
        self.note_seconds(taken, started)
        return Outcome("FINISHED" if self.ledger.finish(taken, values) else "KILLED", metrics)

    def measured(self, taken: Taken, point: Mapping[str, Any], beat: Beat) -> dict[str, float]:
        """The metrics of a point: those that a killed try has left, or else those of its stages, which go on.

        Raises:
            PointFailed: when a stage fails.
            PointPruned: when it is given up.
            PointLost: when the trial was given to another worker.
        """
        if (taken.folder / RESULT).is_file():
            return read_json(taken.folder / RESULT)["metrics"]
        sweep, settings = self.sweep, self.sweep.settings
        params = prepare_point(taken.folder, sweep.root, sweep.conf, sweep.words, point)
        rule, metric = settings.rule, settings.aims[0].metric
        on_the_way = Watch(self.study, taken.trial_id, rule, metric, taken.folder) if rule else None

        def look() -> None:
            beat.check()
            if on_the_way:
                on_the_way.look()

        parts = parts_of(settings, params, sweep.pipelines)
        assert taken.lock.descriptor is not None
        run_stages(
            self.context,
            taken.folder,
            parts,
            settings.objective,
            root=sweep.root,
            look=look,
            lock=taken.lock.descriptor,
        )
        metrics = read_metrics(result_files(taken.folder, settings, params))
        values_of(settings.aims, metrics)
        write_json(taken.folder / RESULT, {"params": dict(point), "metrics": metrics})
        return metrics

    def note_seconds(self, taken: Taken, started: float) -> None:
        """Note how long a point took, s."""
        self.study._storage.set_trial_user_attr(taken.trial_id, "seconds", round(time.monotonic() - started, 1))

    def say(self, taken: Taken, point: Mapping[str, Any], outcome: Outcome, seconds: float) -> None:
        """Print what became of a point."""
        aims, metrics = self.sweep.settings.aims, outcome.metrics
        said = outcome.reason or ", ".join(f"{aim.metric} {value_of(aim.metric, metrics):.6g}" for aim in aims)
        shown = {key.rpartition(".")[2]: f"{v:.4g}" if isinstance(v, float) else v for key, v in point.items()}
        settings = ", ".join(f"{key}={value}" for key, value in shown.items())
        print(f"point {taken.point} of {len(self.sweep.points)} ({settings}): {said}, {seconds:.1f} s", flush=True)
