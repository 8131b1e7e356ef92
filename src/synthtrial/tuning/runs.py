"""A sweep in MLflow: one parent run, and below it one run per trial."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthtrial.tracking import connect, git_revision, mlflow_name

if TYPE_CHECKING:
    from synthtrial.tuning.sweep import Sweep

KIND = "synthtrial.kind"
VERSION = "synthtrial.sweep"
TRIAL = "synthtrial.trial"
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
        found = self.client.search_runs(
            [self.experiment], f"tags.`{VERSION}` = '{name}' AND tags.`{KIND}` = 'sweep'", order_by=["start_time ASC"]
        )
        if found:
            return found[0].info.run_id
        tags = {VERSION: name, KIND: "sweep", "mlflow.runName": f"sweep {name}", "git.revision": git_revision()}
        parent = self.client.create_run(self.experiment, tags=tags).info.run_id
        self.client.set_terminated(parent)
        return parent

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
        }
        run = self.client.create_run(self.experiment, tags=tags).info.run_id
        for key, value in params.items():
            self.client.log_param(run, mlflow_name(key), str(value)[:250])
        return run

    def end(self, run: str, state: str, metrics: Mapping[str, float], folder: Path) -> None:
        """Close the run of a trial with what it has measured and the most telling of its files.

        Args:
            run: what `begin` gave.
            state: FINISHED, FAILED or KILLED.
            metrics: by name.
            folder: of the point.
        """
        if self.client is None:
            return
        for name, value in metrics.items():
            self.client.log_metric(run, mlflow_name(name), float(value))
        for name in SHOWN:
            for path in sorted((folder / "out").glob(f"*/[mf]*/*/*/{name}")):
                self.client.log_artifact(run, str(path))
        self.client.set_terminated(run, status=state)

    def close_killed(self, closed: set[int]) -> None:
        """Mark the runs of trials whose worker was killed: nobody else could close them."""
        if self.client is None:
            return
        name = self.sweep.family + self.sweep.version
        wanted = f"tags.`{VERSION}` = '{name}' AND tags.`{KIND}` = 'trial' AND attributes.status = 'RUNNING'"
        for run in self.client.search_runs([self.experiment], wanted):
            if int(run.data.tags[TRIAL]) in closed:
                self.client.set_terminated(run.info.run_id, status="KILLED")

    def keep(self, folder: Path, names: list[str]) -> None:
        """Keep the sweep's tables and figures with its parent run."""
        for name in names:
            if self.client is not None and (folder / name).is_file():
                self.client.log_artifact(self.parent, str(folder / name))
