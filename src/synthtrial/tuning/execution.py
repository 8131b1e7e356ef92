"""Run the stages of a point in a process of their own, which never outlives its worker."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import reduction
from pathlib import Path
from typing import Any

from synthtrial.errors import SynthtrialError
from synthtrial.tuning.plan import Part
from synthtrial.tuning.stage_runner import run_point_stages

LOG = "log.txt"
POLL_S = 0.2
"""Time between two looks at a running process, s."""
LIBRARIES = {
    "train_gan": ["synthtrial.gans.training"],
    "synthesize": ["synthtrial.synthesis.drawing"],
    "fidelity": ["synthtrial.fidelity.chosen"],
    "segment": ["synthtrial.trial.segmenting.segment_arm"],
    "classify": ["synthtrial.trial.classifying.classify_arm"],
}
"""What takes a stage seconds to import."""


class PointFailed(SynthtrialError):
    """A stage or the objective of a point ended with an error."""


class SharedDescriptor:
    """An open file that a started process shares, lock included."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __getstate__(self) -> Any:
        return reduction.DupFd(self.descriptor)

    def __setstate__(self, duplicate: Any) -> None:
        self.descriptor = duplicate.detach()


def warm_context(stages: Sequence[str]) -> Any:
    """Where processes are forked from one that has imported the libraries of some stages already.

    A worker has one such process, and each of its points begins at once instead of after some seconds of imports.
    """
    # Asking for a GPU in the usual way would make one unusable for the processes that are forked later.
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module for stage in stages for module in LIBRARIES.get(stage, [])])
    return context


def run_stages(
    context: Any,
    folder: Path,
    parts: Sequence[Part],
    objective: Mapping[str, Any] | None,
    *,
    root: Path,
    look: Callable[[], None],
    lock: int,
) -> None:
    """Run what is not done yet; what it prints goes to `log.txt`.

    Args:
        context: as `warm_context` gives it.
        folder: of the point: the working directory.
        parts: as `parts_of` gives them.
        objective: `_target_` and settings of the function that runs after them, or None.
        root: of the project, from which the objective may be imported.
        look: called several times a second while they run; when it raises an error, they are stopped.
        lock: descriptor of the point's lock, which the stages hold, too.

    Raises:
        PointFailed: with the last line of the log.
    """
    log = folder / LOG
    process = context.Process(
        target=run_point_stages, args=(folder, log, list(parts), objective, root, SharedDescriptor(lock))
    )
    process.start()
    try:
        while process.exitcode is None:
            process.join(POLL_S)
            look()
    finally:
        kill_all(process)
    if process.exitcode:
        raise PointFailed(f"{last_line(log)} (exit code {process.exitcode}; see {log})")


def kill_all(process: Any) -> None:
    """End a process and all that it has started, which are one group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:  # it has ended, or has not yet made its group
        process.kill()
    process.join()


def last_line(path: Path) -> str:
    """The last line that says something, without the word `error:` that a script puts before."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    last = next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")
    return last.removeprefix("error: ")[-300:]


def read_metrics(paths: Sequence[Path]) -> dict[str, float]:
    """Metrics by name, of files that hold them alone or under `metrics`.

    Raises:
        PointFailed: when a file is missing.
    """
    found: dict[str, float] = {}
    for path in paths:
        if not path.is_file():
            raise PointFailed(f"{path} is missing after its stage")
        content = read_json(path)
        found |= content["metrics"] if isinstance(content.get("metrics"), dict) else content
    return found


def read_json(path: Path) -> Any:
    """Content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))
