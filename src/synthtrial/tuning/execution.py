"""Run the stages of a point in a subprocess that dies with its worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synthtrial.atomic import write_json
from synthtrial.errors import SynthtrialError
from synthtrial.tuning.beating import Beat
from synthtrial.tuning.settings import SweepSettings

METRICS = "metrics_of_objective.json"
LOG = "log.txt"


class PointFailed(SynthtrialError):
    """A stage or the objective of a point ended with an error."""


class PointLost(SynthtrialError):
    """The trial was given to another worker, because this one seemed dead."""


def scripts_of(sweep: SweepSettings, params: Mapping[str, Any], pipelines: Path) -> list[list[str]]:
    """The scripts of a point with their words, in the order in which they run.

    Without the stages of the trial, only what the tuned generator needs; else every place of the study.
    """
    split = sweep.split or params["splits"][0]
    draw = sweep.draw or sweep.generator
    whole = bool({"assemble", "segment", "classify", "report"} & set(sweep.stages))
    splits = params["splits"] if whole else [split]
    generators = params["generator_names"] if whole else [sweep.generator]
    draws = params["draw_names"] if whole else [draw]
    arms = params["arm_names"]
    places: dict[str, list[list[Any]]] = {
        "train_gan": [[name, "--split", part] for name in generators for part in splits],
        "synthesize": [[name, "--split", part] for name in draws for part in splits],
        "fidelity": [[name, "--split", part] for name in draws for part in splits],
        "assemble": [[]],
        "segment": [[arm, "--segmenter", name] for arm in arms for name in params["segmenter_names"]],
        "classify": [[p["arm"], "--classifier", p["classifier"]] for p in params["classify_places"].values()],
        "report": [[]],
    }
    return [[str(pipelines / f"{stage}.py"), *words] for stage in sweep.stages for words in places[stage]]


def run_stages(
    folder: Path,
    scripts: Sequence[Sequence[str]],
    objective: Mapping[str, Any] | None,
    *,
    root: Path,
    beat: Beat,
    lock: int | None,
    done: str = "stages_done.json",
) -> None:
    """Run what is not done yet; what it prints goes to `log.txt`.

    Args:
        folder: of the point: the working directory.
        scripts: as `scripts_of` gives them.
        objective: `_target_` and settings of the function that runs after them, or None.
        root: of the project, from which the objective may be imported.
        beat: of the worker: when its trial is lost, the stages are stopped.
        lock: descriptor of the point's lock, which the stages hold, too.
        done: name of the file that lists the stages that have ended well.

    Raises:
        PointFailed: with the last line of the log.
        PointLost: when the trial was lost meanwhile.
    """
    plan = {"scripts": list(scripts), "objective": dict(objective) if objective else None, "done": done}
    write_json(folder / "plan.json", {**plan, "metrics": METRICS})
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    with (folder / LOG).open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "synthtrial.tuning.stage_runner", "plan.json"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=() if lock is None else (lock,),
        )
        assert process.stdin is not None
        try:
            while (code := wait(process, 0.2)) is None:
                if beat.lost.is_set():
                    raise PointLost("this worker was silent for so long that its point was given to another one")
        finally:
            process.stdin.close()  # ends it, and all that it has started
            process.wait()
    if code:
        raise PointFailed(f"{last_line(folder / LOG)} (exit code {code}; see {folder / LOG})")


def wait(process: subprocess.Popen, seconds: float) -> int | None:
    """Exit code of a process, or None when it still runs after some seconds."""
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return None


def last_line(path: Path) -> str:
    """The last line that says something."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")[-300:]


def results(folder: Path, sweep: SweepSettings, params: Mapping[str, Any]) -> dict[str, float]:
    """All metrics that the stages and the objective of a point have left, by name."""
    study = folder / "out" / params["study"]["name"]
    split, draw = sweep.split or params["splits"][0], sweep.draw or sweep.generator
    found: dict[str, float] = {}
    if "fidelity" in sweep.stages:
        found |= read_json(study / "fidelity" / str(draw) / split / "fidelity.json")["metrics"]
    if "report" in sweep.stages:
        found |= read_json(study / "metrics.json")
    if sweep.objective:
        found |= read_json(folder / METRICS)
    return found


def read_json(path: Path) -> Any:
    """Content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))
