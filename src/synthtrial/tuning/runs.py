"""A sweep in MLflow: one parent run, and below it one run per trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthtrial.tracking import connect, git_revision, mlflow_name
from synthtrial.tuning.ledger import failures, is_result

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from synthtrial.tuning.sweep import Sweep

KIND = "synthtrial.kind"
VERSION = "synthtrial.sweep"
TRIAL = "synthtrial.trial"
POINT = "synthtrial.point"
BEST = "synthtrial.best_point"
REASON = "synthtrial.reason"
SHOWN = ("losses.csv", "model.json", "samples.png", "fidelity.json")
"""Files of a point's stages that its run keeps."""


class SweepRuns:
    """The runs of a sweep; with tracking off every method does nothing.

    Args:
        sweep: the sweep.
        tracking: `tracking` of the study, as composed without the points' own words.
    """

    def __init__(self, sweep: Sweep, tracking: Mapping[str, Any]) -> None:
        self.sweep, self.client = sweep, None
        if not tracking["enabled"]:
            return
        from omegaconf import OmegaConf

        self.client, self.experiment = connect(OmegaConf.create(dict(tracking)), sweep.params["study"]["name"])
        self.parent = self._parent()

    def _parent(self) -> str:
        name = self.sweep.family + self.sweep.version
        assert self.client is not None
        wanted = f"tags.`{VERSION}` = '{name}' AND tags.`{KIND}` = 'sweep'"
        order = ["start_time ASC", "run_id ASC"]
        if found := self.client.search_runs([self.experiment], wanted, order_by=order):
            return found[0].info.run_id
        tags = {VERSION: name, KIND: "sweep", "mlflow.runName": f"sweep {name}", "git.revision": git_revision()}
        self.client.create_run(self.experiment, tags=tags)
        first, *others = self.client.search_runs([self.experiment], wanted, order_by=order)
        for other in others:  # another machine has begun the sweep at the same time
            self.client.delete_run(other.info.run_id)
        return first.info.run_id

    def begin(self, number: int, point: str, params: Mapping[str, Any]) -> str:
        """Open the run of a trial; return its id."""
        if self.client is None:
            return ""
        name = self.sweep.family + self.sweep.version
        tags = {
            "mlflow.parentRunId": self.parent,
            "mlflow.runName": f"{self.sweep.settings.name} {point}",
            VERSION: name,
            KIND: "trial",
            TRIAL: str(number),
            POINT: point,
        }
        run = self.client.create_run(self.experiment, tags=tags).info.run_id
        for key, value in params.items():
            self.client.log_param(run, mlflow_name(key), str(value)[:250])
        return run

    def end(self, run: str, state: str, metrics: Mapping[str, float], folder: Path, reason: str = "") -> None:
        """Close the run of a trial with what it has measured and the most telling of its files.

        Args:
            run: what `begin` gave.
            state: FINISHED, FAILED or KILLED.
            metrics: by name.
            folder: of the point.
            reason: why it ended before its end, if it did.
        """
        if self.client is None:
            return
        if reason:
            self.client.set_tag(run, REASON, reason[:1000])
        for name, value in metrics.items():
            self.client.log_metric(run, mlflow_name(name), float(value))
        for name in SHOWN:
            for path in sorted((folder / "out").glob(f"*/[mf]*/*/*/{name}")):
                self.client.log_artifact(run, str(path))
        self.client.set_terminated(run, status=state)

    def close_left(self, trials: Sequence[FrozenTrial]) -> None:
        """Close the runs of ended trials whose worker was killed before it could, as the storage knows them."""
        if self.client is None:
            return
        name = self.sweep.family + self.sweep.version
        wanted = f"tags.`{VERSION}` = '{name}' AND tags.`{KIND}` = 'trial' AND attributes.status = 'RUNNING'"
        ended = {trial.number: trial for trial in trials if trial.state.is_finished()}
        for run in self.client.search_runs([self.experiment], wanted, max_results=50_000):
            if trial := ended.get(int(run.data.tags[TRIAL])):
                measured = self._aims_of(trial) if is_result(trial) else {}
                folder = self.sweep.folder / "points" / self.sweep.version / run.data.tags[POINT]
                reason = "" if trial.state.name == "COMPLETE" else trial.user_attrs.get("end", "")
                self.end(run.info.run_id, state_of(trial), measured, folder, reason)

    def begin_sweep(self) -> None:
        """Mark the parent run as running."""
        if self.client is not None:
            self.client.update_run(self.parent, status="RUNNING")

    def end_sweep(self, best: FrozenTrial | None, files: Sequence[Path], *, failed: bool) -> None:
        """Close the parent run with the best point's settings and metrics, and the sweep's table and figures."""
        if self.client is None:
            return
        if best is not None:
            self.client.set_tag(self.parent, BEST, best.user_attrs["point"])
            for key, value in best.params.items():
                self.client.set_tag(self.parent, f"{BEST}.{mlflow_name(key)}", str(value))
            for name, value in self._aims_of(best).items():
                self.client.log_metric(self.parent, mlflow_name(name), value)
        for path in files:
            self.client.log_artifact(self.parent, str(path))
        self.client.set_terminated(self.parent, status="FAILED" if failed else "FINISHED")

    def _aims_of(self, trial: FrozenTrial) -> dict[str, float]:
        names = [aim.metric for aim in self.sweep.settings.aims]
        return dict(zip(names, trial.values, strict=True))


def state_of(trial: FrozenTrial) -> str:
    """How MLflow calls the end of a trial."""
    if is_result(trial):
        return "FINISHED"
    return "FAILED" if failures([trial]) else "KILLED"
