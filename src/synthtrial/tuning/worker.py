"""A worker: takes points of a sweep and runs them until none is left."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synthtrial.atomic import write_json
from synthtrial.errors import SynthtrialError
from synthtrial.tuning.aims import value_of, values_of
from synthtrial.tuning.beating import Beat
from synthtrial.tuning.execution import PointFailed, PointLost, read_json, results, run_stages, scripts_of
from synthtrial.tuning.ledger import FAILED, Ledger, Taken
from synthtrial.tuning.point_folder import prepare_point
from synthtrial.tuning.sampling import choose

if TYPE_CHECKING:
    from optuna import Study

    from synthtrial.tuning.runs import SweepRuns
    from synthtrial.tuning.sweep import Sweep

PAUSE_S = 1.0
"""How long to wait for the points of others, s."""
RESULT = "result.json"


def work(sweep: Sweep, study: Study, ledger: Ledger, runs: SweepRuns) -> None:
    """Run points until all are settled, those of dead workers included.

    Args:
        sweep: the sweep.
        study: of Optuna.
        ledger: who runs what.
        runs: in MLflow.
    """
    while unsettled := ledger.unsettled():
        taken = next((taken for point in unsettled if (taken := ledger.take(point))), None)
        if taken is None:
            time.sleep(PAUSE_S)
            continue
        try:
            run_point(sweep, study, ledger, runs, taken)
        finally:
            taken.lock.release()


def run_point(sweep: Sweep, study: Study, ledger: Ledger, runs: SweepRuns, taken: Taken) -> None:
    """Run one point and write what became of it."""
    started = time.monotonic()
    slot = list(sweep.points).index(taken.point)
    with Beat(study._storage, taken.trial_id) as beat:
        point = choose(study, taken.trial_id, slot, sweep.axes, taken.params, sweep.settings.choice)
        run = runs.begin(taken.number, taken.point, point)
        metrics: Mapping[str, float] = {}
        state, end = "FAILED", ""
        try:
            metrics = measured(sweep, study, taken, point, beat)
            values = values_of(sweep.settings.aims, metrics)
        except PointLost as error:
            state, end = "KILLED", str(error)
        except (SynthtrialError, OSError) as error:
            end = FAILED + str(error)
            ledger.end(taken.trial_id, end)
        except BaseException:
            ledger.end(taken.trial_id, "stopped")
            runs.end(run, "KILLED", {}, taken.folder)
            raise
        else:
            study._storage.set_trial_user_attr(taken.trial_id, "seconds", round(time.monotonic() - started, 1))
            state = "FINISHED" if ledger.finish(taken, values) else "KILLED"
    runs.end(run, state, metrics, taken.folder)
    what = end or ", ".join(f"{aim.metric} {value_of(aim.metric, metrics):.6g}" for aim in sweep.settings.aims)
    settings = ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in point.items())
    print(
        f"point {taken.point} of {len(sweep.points)} ({settings}): {what}, {time.monotonic() - started:.1f} s",
        flush=True,
    )


def measured(sweep: Sweep, study: Study, taken: Taken, point: Mapping[str, Any], beat: Beat) -> dict[str, float]:
    """The metrics of a point: those that a killed try has left, or else those of its stages, which go on where it was.

    Raises:
        PointFailed: when a stage fails.
        PointLost: when the trial was given to another worker.
    """
    if (taken.folder / RESULT).is_file():
        return read_json(taken.folder / RESULT)["metrics"]
    params = prepare_point(taken.folder, sweep.root, sweep.conf, sweep.words, point)
    sweep.check_unchanged()
    run_stages(
        taken.folder,
        scripts_of(sweep.settings, params, sweep.pipelines),
        sweep.settings.objective,
        root=sweep.root,
        beat=beat,
        lock=taken.lock.descriptor,
    )
    try:
        metrics = results(taken.folder, sweep.settings, params)
    except FileNotFoundError as error:
        raise PointFailed(f"{error.filename} is missing after its stage") from error
    values_of(sweep.settings.aims, metrics)
    write_json(taken.folder / RESULT, {"params": dict(point), "metrics": metrics})
    return metrics
