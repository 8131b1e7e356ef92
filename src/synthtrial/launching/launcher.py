"""How commands are launched: the settings of `conf/launcher`, and whether this machine can follow them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import yaml

from synthtrial.errors import ConfigError
from synthtrial.setting_types import suggestion


@dataclass(frozen=True)
class Launcher:
    """Settings of a `conf/launcher` file, which says what each is for.

    Attributes:
        executor: who runs the commands.
        at_once: jobs at a time; None leaves it to the executor.
        cpus: CPU cores of a job.
        gpus: GPUs of a job; None lets it see what there is.
        memory_gb: memory of a job, GB.
        timeout_min: minutes that a job may take.
        warning_s: seconds before that at which the job is told to stop.
        requeues: how often a job is queued again.
        partition: of Slurm.
        account: of Slurm.
        qos: of Slurm.
        parameters: further options of sbatch.
        setup: lines of shell before a job of Slurm starts.
        logs: folder of the logs; None leaves it to the caller.
    """

    executor: Literal["none", "local", "slurm"]
    at_once: int | None
    cpus: int
    gpus: int | None
    memory_gb: float | None
    timeout_min: float
    warning_s: int
    requeues: int
    partition: str | None
    account: str | None
    qos: str | None
    parameters: Mapping[str, Any]
    setup: list[str]
    logs: str | None


def read_launcher(settings: Mapping[str, Any]) -> Launcher:
    """The launcher that a study's `launcher` group describes, which is known to have the right types.

    Raises:
        ConfigError: when its time is up before the warning, or this machine can't launch so.
    """
    launcher = Launcher(**{field.name: settings[field.name] for field in fields(Launcher)})
    if launcher.warning_s >= 60 * launcher.timeout_min:
        raise ConfigError(
            f"launcher.warning_s: {launcher.warning_s} s before the end is no later than the start of a job of "
            f"launcher.timeout_min={launcher.timeout_min:g}; make one of them fit"
        )
    if launcher.executor == "slurm" and not (shutil.which("sbatch") and shutil.which("srun")):
        raise ConfigError(
            "launcher=slurm needs the commands sbatch and srun, which are not on this machine: run it on a login node "
            "of the cluster, or choose launcher=local"
        )
    return launcher


def named_launcher(name: str, conf: Path) -> dict[str, Any]:
    """Content of `conf/launcher/<name>.yaml`.

    Raises:
        ConfigError: when there is none.
    """
    names = sorted(path.stem for path in (conf / "launcher").glob("*.yaml"))
    if name not in names:
        raise ConfigError(f"unknown launcher {name!r}; there are: {', '.join(names)}{suggestion(name, names)}")
    return yaml.safe_load((conf / "launcher" / f"{name}.yaml").read_text(encoding="utf-8"))


def jobs_at_once(launcher: Launcher, gpus: int) -> int | None:
    """How many jobs may be in work at a time; None for any number.

    Args:
        launcher: the settings.
        gpus: GPUs of this machine, where jobs are given some of them.
    """
    if launcher.at_once or launcher.executor == "slurm":
        return launcher.at_once
    if launcher.gpus:
        return max(1, gpus // launcher.gpus)
    return max(1, usable_cores() // launcher.cpus)


def usable_cores() -> int:
    """CPU cores that this process may use: in a job of a cluster, those of the job."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def visible_gpus(launcher: Launcher) -> list[str]:
    """Ids of the GPUs that jobs on this machine are dealt; none where no job is given its own.

    Raises:
        ConfigError: when there are fewer than one job is to have.
    """
    if launcher.executor == "slurm" or not launcher.gpus:
        return []
    import torch

    named = [word.strip() for word in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if word.strip()]
    found = (named or [str(number) for number in range(torch.cuda.device_count())])[: torch.cuda.device_count()]
    if len(found) < launcher.gpus:
        raise ConfigError(
            f"launcher.gpus={launcher.gpus}: torch finds {len(found) or 'no'} GPU{'s'[: len(found) != 1]} on this "
            "machine; set launcher.gpus=0"
        )
    return found


def gpu_environment(launcher: Launcher, gpus: list[str], place: int) -> dict[str, str | None]:
    """What a job's process is told of GPUs: those of its place among the jobs at work; None takes a variable away.

    Args:
        launcher: the settings.
        gpus: ids of this machine's GPUs, as `visible_gpus` gives them.
        place: number of the job among those at work, from 0.
    """
    if launcher.executor == "slurm":
        return {}
    if launcher.gpus is None:  # submitit hides all GPUs from a job that asks for none
        return {"CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES")}
    shares = len(gpus) // launcher.gpus if launcher.gpus else 1
    first = place % shares * launcher.gpus
    return {"CUDA_VISIBLE_DEVICES": ",".join(gpus[first : first + launcher.gpus])}
