"""Commands as jobs of submitit: on this machine, or in the queue of a Slurm cluster."""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
import warnings
from pathlib import Path
from typing import Any

from synthtrial.atomic import write_json
from synthtrial.errors import ConfigError
from synthtrial.launching.command import CommandJob
from synthtrial.launching.launcher import Launcher
from synthtrial.launching.queues import PENDING, RUNNING, State, ended_with

NOTE = "job.json"
"""What a later process needs to find a job again."""

CLOCK_S = 60
"""What may lie between two readings of when a process was made, s: the clock may be set in between."""

FOR_GOOD = {
    "CANCELLED": "cancelled",
    "OUT_OF_MEMORY": "out of memory: raise launcher.memory_gb",
    "DEADLINE": "past its deadline",
}
"""States of Slurm after which the same job would end the same way, or is not wanted."""


class SubmititQueue:
    """Submits jobs, and finds those of an earlier process.

    Args:
        launcher: the settings.
    """

    def __init__(self, launcher: Launcher) -> None:
        self.launcher = launcher

    def submit(self, job: CommandJob, folder: Path) -> SubmititTicket:
        """Put a job into the queue, unless one of the same command is there; of several processes one submits it.

        Raises:
            ConfigError: when the queue refuses it.
        """
        with open(folder / "submitting", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return self._find(job, folder) or self._submit(job, folder)

    def _submit(self, job: CommandJob, folder: Path) -> SubmititTicket:
        import submitit
        from submitit.core.utils import FailedJobError, FailedSubmissionError
        from submitit.helpers import clean_env

        kind = submitit.LocalExecutor if self._local else submitit.SlurmExecutor
        try:
            executor = kind(folder, max_num_timeout=self.launcher.requeues)
            executor.update_parameters(**self._resources(job.command.name))
            with clean_env():  # a launch from within a job
                submitted = executor.submit(job)
        except (FailedJobError, FailedSubmissionError, subprocess.SubprocessError, ValueError, TypeError) as error:
            reason = " ".join(str(error).split())
            raise ConfigError(
                f"launcher={self.launcher.executor} does not take {job.command.name}: {reason}"
            ) from error
        ticket = SubmititTicket(submitted, _born(submitted.job_id) if self._local else None, self.launcher)
        facts = {"executor": self.launcher.executor, "job": submitted.job_id, "born": ticket.born}
        write_json(folder / NOTE, {**facts, "command": _key(job)})
        return ticket

    def _find(self, job: CommandJob, folder: Path) -> SubmititTicket | None:
        """The job that another process submitted for the same command, where it is still in the queue."""
        import submitit

        path = folder / NOTE
        note = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        if (note.get("executor"), note.get("command")) != (self.launcher.executor, _key(job)):
            return None
        kind = submitit.LocalJob if self._local else submitit.SlurmJob
        ticket = SubmititTicket(kind(folder, note["job"]), note["born"], self.launcher)
        return None if ticket.state().word == "ended" else ticket

    @property
    def _local(self) -> bool:
        return self.launcher.executor == "local"

    def _resources(self, name: str) -> dict[str, Any]:
        """The launcher's settings in submitit's words."""
        launcher = self.launcher
        if self._local:
            limits = {"timeout_min": launcher.timeout_min, "signal_delay_s": launcher.warning_s}
            return {**limits, "stderr_to_stdout": True}
        known = {
            "job_name": name,
            "time": max(1, round(launcher.timeout_min)),
            "signal_delay_s": launcher.warning_s,
            "stderr_to_stdout": True,
            "cpus_per_task": launcher.cpus,
            "gpus_per_node": launcher.gpus or None,
            "mem": None if launcher.memory_gb is None else f"{round(1000 * launcher.memory_gb)}M",
            "partition": launcher.partition,
            "account": launcher.account,
            "qos": launcher.qos,
            "additional_parameters": dict(launcher.parameters) or None,
            "setup": list(launcher.setup) or None,
        }
        return {key: value for key, value in known.items() if value is not None}


class SubmititTicket:
    """A job of submitit.

    Args:
        job: submitit's view of it.
        born: Unix time at which the process of a local job was made, which tells it from a later one of its number;
            None for a job of a cluster.
        launcher: the settings.
    """

    def __init__(self, job: Any, born: float | None, launcher: Launcher) -> None:
        self.job, self.born, self.launcher = job, born, launcher

    @property
    def log(self) -> Path:
        """File that holds what submitit and the command say."""
        return Path(self.job.paths.stdout)

    def state(self) -> State:
        """What has become of the job by now."""
        if self.job.paths.result_pickle.exists():
            return self._result()
        waiting = self._local_state() if self.launcher.executor == "local" else self._cluster_state()
        if waiting.word == "ended" and self.job.paths.result_pickle.exists():  # it ended between the two looks
            return self._result()
        return waiting

    def _local_state(self) -> State:
        born = _born(self.job.job_id)
        alive = born is not None and self.born is not None and abs(born - self.born) < CLOCK_S
        return RUNNING if alive else State("ended", None, "killed", again=True)

    def _cluster_state(self) -> State:
        """Slurm's word for it. The watcher asks Slurm for all jobs together, and now and then only."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            word = self.job.watcher.get_state(self.job.job_id, mode="standard").split()[0].rstrip("+")
            if not self.job.watcher.is_done(self.job.job_id, mode="cache"):
                return PENDING if word in ("PENDING", "UNKNOWN", "REQUEUED") else RUNNING
        reason = FOR_GOOD.get(word, f"ended by Slurm as {word}")
        return State("ended", None, reason, again=word not in FOR_GOOD)

    def _result(self) -> State:
        from submitit.core.utils import FailedJobError, UncompletedJobError

        try:
            return ended_with(self.job.result())
        except (FailedJobError, UncompletedJobError) as error:
            if "timed-out too many times" in str(error):
                limit = f"its {self.launcher.timeout_min:g} minutes were up {self.launcher.requeues + 1} times"
                return State("ended", None, f"{limit}: raise launcher.timeout_min, or launch again to go on")
            lines = [line for line in str(error).splitlines() if line.strip()]
            return State("ended", None, lines[-1].strip() if lines else "failed without a word")


def _key(job: CommandJob) -> str:
    """Hash of a command, by which a job is known to be of the same one."""
    content = [list(job.command.words), str(job.command.folder)]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _born(process: str) -> float | None:
    """Unix time, s, at which a living process was made; None when there is none of that number."""
    import psutil

    try:
        found = psutil.Process(int(process))
        return None if found.status() == psutil.STATUS_ZOMBIE else found.create_time()
    except psutil.Error:
        return None
