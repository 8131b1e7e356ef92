"""One MLflow run per stage, and a small JSON beside it that the report reads."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from synthtrial.atomic import write_json
from synthtrial.errors import ConfigError
from synthtrial.params import load_params, params_hash, plain
from synthtrial.processes import leads
from synthtrial.secrets import masked
from synthtrial.stage_clock import covered, process_start
from synthtrial.study_folder import StudyFolder
from synthtrial.tracking_server import check_answers, is_http, tracking_uri

PACKAGES = ("synthtrial", "torch", "monai", "pytorch-lightning", "mlflow", "dvc", "nibabel", "numpy", "scipy")


class StageRun:
    """What a stage may log. With tracking off every method does nothing.

    Args:
        client: an `MlflowClient`, or None when tracking is off.
        run_id: the MLflow run of this stage.
        uri: MLflow's tracking URI.
        experiment_id: the study's experiment.
    """

    def __init__(self, client: Any = None, run_id: str = "", uri: str = "", experiment_id: str = "") -> None:
        self.client, self.run_id, self.uri, self.experiment_id = client, run_id, uri, experiment_id
        self.trained: list[tuple[float, float]] = []
        self.peak_rss_mb = 0.0

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Log finite numbers under their names at a step (images or optimizer steps)."""
        if self.client is not None:
            from mlflow.entities import Metric

            now = int(time.time() * 1000)
            entries = [Metric(mlflow_name(name), float(value), now, step) for name, value in metrics.items()]
            self.client.log_batch(self.run_id, metrics=entries)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Say in words what became of the stage."""
        if self.client is not None:
            for key, value in tags.items():
                self.client.set_tag(self.run_id, key, value)

    def log_artifact(self, path: Path) -> None:
        """Keep a copy of a file, or of a whole folder, with the run."""
        if self.client is not None:
            log = self.client.log_artifacts if Path(path).is_dir() else self.client.log_artifact
            log(self.run_id, str(path))

    def lightning_logger(self) -> Any:
        """A Lightning logger that writes to this run; False when tracking is off."""
        if self.client is None:
            return False
        from pytorch_lightning.loggers import MLFlowLogger

        return MLFlowLogger(run_id=self.run_id, tracking_uri=self.uri)

    def child(self, name: str) -> StageRun:
        """A run below this one, open until its `finish`."""
        if self.client is None:
            return StageRun()
        tags = {"mlflow.parentRunId": self.run_id, "mlflow.runName": name}
        run_id = self.client.create_run(self.experiment_id, tags=tags).info.run_id
        return StageRun(self.client, run_id, self.uri, self.experiment_id)

    def finish(self) -> None:
        """Close a run that `child` opened."""
        if self.client is not None:
            self.client.set_terminated(self.run_id)

    def count_training(self, started: float, ended: float) -> None:
        """Count a stretch of Unix time, s, in which training steps were run; stretches side by side count once."""
        self.trained.append((started, ended))

    def count_memory(self, peak_rss_mb: float) -> None:
        """Count the peak memory, MB, of a process that is not a child of this one."""
        self.peak_rss_mb = max(self.peak_rss_mb, peak_rss_mb)


@contextmanager
def stage_run(stage: str, params: DictConfig, **item: str) -> Iterator[StageRun]:
    """Run the block as one stage of the study: an MLflow child run, and `stages/<stage>.json` when it ends well.

    Its wall time begins with the process, so that starting Python and importing libraries count.

    Args:
        stage: the stage's name in `dvc.yaml`.
        params: what `stage_params` gave.
        item: the stage's place in the matrix.
    """
    if not leads():  # a further process of one training: the first one keeps the record
        yield StageRun()
        return
    folder = StudyFolder(params.study.name)
    name = "-".join((stage, *item.values()))
    started = process_start()
    with open_run(stage, name, params, folder) as run:
        yield run
    write_json(
        folder.stages / f"{name}.json",
        {
            "stage": stage,
            "item": dict(item),
            "started": datetime.datetime.fromtimestamp(started, datetime.UTC).isoformat(timespec="seconds"),
            "wall_s": round(time.time() - started, 2),
            "training_s": round(covered(run.trained), 2),
            "peak_rss_mb": round(max(run.peak_rss_mb, peak_memory_mb())),
            "git_revision": git_revision(),
            "versions": versions(),
            "machine": {"system": platform.platform(), "cores": os.cpu_count(), "accelerator": accelerator()},
        },
    )


@contextmanager
def open_run(stage: str, name: str, params: DictConfig, folder: StudyFolder) -> Iterator[StageRun]:
    """Yield the stage's run, closed as FINISHED or FAILED; the study's parent run is found by its hash or made."""
    settings = params.tracking
    if not settings.enabled:
        yield StageRun()
        return
    client, experiment = connect(settings, params.study.name)
    import mlflow

    whole = load_params()
    tags = common_tags(whole, folder)
    parent = find_parent(client, experiment, whole, tags)
    tags |= {"dvc.stage": name, "mlflow.parentRunId": parent, "mlflow.runName": name}
    run_id = client.create_run(experiment, tags=tags).info.run_id
    log_settings(client, run_id, params)
    with mlflow.start_run(run_id=run_id, log_system_metrics=bool(settings.system_metrics)):
        yield StageRun(client, run_id, tracking_uri(settings), experiment)


def open_study(params: DictConfig) -> None:
    """Make the study's experiment and its parent run, before jobs that start together would each make them."""
    settings = params.tracking
    if settings.enabled:
        client, experiment = connect(settings, params.study.name)
        find_parent(client, experiment, params, common_tags(params, StudyFolder(params.study.name)))


def connect(settings: DictConfig, study: str) -> tuple[Any, str]:
    """A client of the tracking server, and the id of the study's experiment.

    Raises:
        ConfigError: when the server does not answer, or its address is none.
    """
    import mlflow

    uri = tracking_uri(settings)
    if settings.artifacts is None and not is_http(uri):
        raise ConfigError("tracking.artifacts is null, but only a tracking server keeps them itself: name a folder")
    check_answers(uri)
    mlflow.set_tracking_uri(uri)
    try:
        client = mlflow.MlflowClient(tracking_uri=uri)
        return client, find_experiment(client, study, settings.artifacts)
    except mlflow.MlflowException as error:
        problem = masked(f"tracking.uri {settings.uri or uri!r} can't be used: {error}")
        raise ConfigError(problem) from None  # the cause may hold a password


def find_experiment(client: Any, study: str, artifacts: str | None) -> str:
    """Id of the study's experiment, made when missing; without a place for artifacts the server chooses one."""
    found = client.get_experiment_by_name(study)
    if found is not None:
        return found.experiment_id
    if artifacts is None:
        return client.create_experiment(study)
    location = artifacts if "://" in artifacts else (Path(artifacts).resolve() / study).as_uri()
    return client.create_experiment(study, artifact_location=location)


def find_parent(client: Any, experiment: str, params: DictConfig, tags: dict[str, str]) -> str:
    """Id of the run that all stages of one params.yaml share, found by the hash of the parameters or made."""
    digest = tags["synthtrial.params_hash"]
    found = client.search_runs(
        [experiment], f"tags.`synthtrial.params_hash` = '{digest}' AND tags.`synthtrial.kind` = 'study'"
    )
    if found:
        return found[0].info.run_id
    own = {"synthtrial.params_hash": digest, "synthtrial.kind": "study", "git.revision": tags["git.revision"]}
    parent = client.create_run(experiment, tags=own | {"mlflow.runName": f"{params.study.name} {digest[:8]}"})
    shown = {key: value for key, value in plain(params).items() if key != "tracking"}  # its URI may hold a password
    client.log_dict(parent.info.run_id, shown, "params.yaml")
    client.set_terminated(parent.info.run_id)
    return parent.info.run_id


def common_tags(params: DictConfig, folder: StudyFolder) -> dict[str, str]:
    """Tags of every run: git revision, hash of params.yaml, hash of the prepared cohort."""
    tags = {"git.revision": git_revision(), "synthtrial.params_hash": params_hash(params)}
    digest = data_hash(folder)
    return tags | ({"synthtrial.data_hash": digest} if digest else {})


def log_settings(client: Any, run_id: str, params: DictConfig) -> None:
    """Log each leaf of the stage's own settings as an MLflow parameter, shortened to what MLflow takes."""
    from mlflow.entities import Param

    entries = [Param(mlflow_name(key), str(value)[:250]) for key, value in leaves(plain(params))]
    for start in range(0, len(entries), 100):
        client.log_batch(run_id, params=entries[start : start + 100])


def mlflow_name(name: str) -> str:
    """A name without the `+` of arms, which MLflow does not take: `real+synthetic` becomes `real plus synthetic`."""
    return name.replace("+", " plus ")


def leaves(tree: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted key, value) of every leaf outside `tracking`; lists count as leaves."""
    for key, value in tree.items():
        if f"{prefix}{key}" == "tracking":
            continue
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def data_hash(folder: StudyFolder) -> str:
    """Hash of the prepared cohort's case table and splits; empty before they exist."""
    import hashlib

    files = [folder.prepared / name for name in ("cases.csv", "splits.json")]
    if not all(file.is_file() for file in files):
        return ""
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


@cache
def git_revision() -> str:
    """Short git revision of the package's source, `+changes` when it holds uncommitted changes, or `unknown`."""
    repository = Path(__file__).resolve().parents[2]
    try:
        revision = git(repository, "rev-parse", "--short=10", "HEAD")
        changed = git(repository, "status", "--porcelain", "--", "src", "pipelines")
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return revision + ("+changes" if changed else "")


def git(folder: Path, *words: str) -> str:
    """Output of a git command in a folder."""
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True, timeout=20)
    return done.stdout.strip()


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that can change a result."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def peak_memory_mb() -> float:
    """Peak resident memory of this process, or of its largest worker, MB."""
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux KiB
    largest = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return largest * unit / 1e6


def accelerator() -> str:
    """Name of the GPU in use, or `none`; asks torch only where the stage has already imported it."""
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name() if torch is not None and torch.cuda.is_available() else "none"
