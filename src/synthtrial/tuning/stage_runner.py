"""What a point's process does: run scripts one after the other, as if each were started by itself."""

from __future__ import annotations

import json
import multiprocessing
import os
import runpy
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from synthtrial import stage_clock
from synthtrial.atomic import write_json
from synthtrial.errors import ConfigError, run_script
from synthtrial.tuning.plan import OF_OBJECTIVE, Part

DONE = "stages_done.json"
"""Names the scripts that have ended, in the folder of a point."""


def run_point_stages(
    folder: Path, log: Path, parts: Sequence[Part], objective: Mapping[str, Any] | None, root: Path, lock: Any
) -> None:
    """Run what is not done yet, in the folder of a point, and end this process.

    Args:
        folder: of the point.
        log: takes up what is printed.
        parts: scripts with their words.
        objective: `_target_` and settings of the user's function, or None.
        root: of the project, from which the function may be imported.
        lock: the point's, held by holding this.
    """
    die_with_worker()
    os.chdir(folder)
    with log.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    sys.path.insert(0, str(root))
    run_script(partial(run_parts, parts, objective))


def die_with_worker() -> None:
    """End this process and all that it will start, as soon as the worker is gone."""
    os.setsid()
    worker = multiprocessing.parent_process()
    assert worker is not None

    def wait() -> None:
        worker.join()
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def run_parts(parts: Sequence[Part], objective: Mapping[str, Any] | None) -> None:
    """Run the parts in the working directory, leaving out the scripts that have ended in an earlier process."""
    done = json.loads(Path(DONE).read_text(encoding="utf-8")) if Path(DONE).is_file() else []
    for number, part in enumerate(parts):
        for words in part.scripts:
            script = [number, *words]  # the same words come in several parts
            if script in done:
                continue
            try:
                run_script_here(words)
            except SystemExit:
                if not part.optional:
                    raise
                print("this was only a look on the way: the point goes on without it", flush=True)
                break
            done.append(script)
            write_json(Path(DONE), done)
    if objective:
        write_json(Path(OF_OBJECTIVE), call_objective(objective))


def run_script_here(words: Sequence[str]) -> None:
    """Run a pipeline script.

    Raises:
        SystemExit: when it ends with an error.
    """
    print(f"--- {' '.join([Path(words[0]).name, *words[1:]])}", flush=True)
    stage_clock.begin_stage()
    sys.argv = list(words)
    try:
        runpy.run_path(words[0], run_name="__main__")
    except SystemExit as end:
        if end.code not in (None, 0):
            raise


def call_objective(config: Mapping[str, Any]) -> dict[str, float]:
    """Call a user's function with the point's params and its own settings; it returns metrics by name."""
    import yaml

    from synthtrial.params import target_of

    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    settings = {key: value for key, value in config.items() if key != "_target_"}
    metrics = target_of(dict(config))(params, **settings)
    if not isinstance(metrics, dict) or not all(isinstance(value, int | float) for value in metrics.values()):
        raise ConfigError(f"{config['_target_']} must return a dict of numbers by name, not {metrics!r}")
    return {name: float(value) for name, value in metrics.items()}
