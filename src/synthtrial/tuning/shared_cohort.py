"""The prepared cohort that all points of a sweep share."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.tuning.execution import last_line
from synthtrial.tuning.point_folder import prepare_point
from synthtrial.tuning.point_lock import PointLock

if TYPE_CHECKING:
    from synthtrial.tuning.sweep import Sweep


def prepare_cohort(sweep: Sweep) -> None:
    """Prepare the study's cohort when it is not yet, in a process of its own; points only link it.

    Raises:
        SynthtrialError: when preparing fails.
    """
    if "train_gan" not in sweep.settings.stages or check_prepared(sweep.root, sweep.params):
        return
    base = sweep.folder / "base"
    lock = PointLock(base)
    while not lock.acquire():
        time.sleep(1)
    try:
        if check_prepared(sweep.root, sweep.params):
            return
        print("preparing the cohort, once for all points", flush=True)
        prepare_point(base, sweep.root, sweep.conf, sweep.words, {})
        study = sweep.params["study"]["name"]
        link = base / "out" / study / "prepared"
        link.unlink()  # the stage replaces its folder, and not what a link points to
        log = base / "log.txt"
        with log.open("w", encoding="utf-8") as output:
            words = [sys.executable, str(sweep.pipelines / "prepare.py")]
            done = subprocess.run(words, cwd=base, stdout=output, stderr=subprocess.STDOUT)
        if done.returncode:
            raise SynthtrialError(f"preparing the cohort failed: {last_line(log)} (see {log})")
        link.rename(sweep.root / "out" / study / "prepared")
    finally:
        lock.release()


def check_prepared(root: Path, params: Mapping[str, Any]) -> bool:
    """Whether the study's cohort is prepared.

    Raises:
        ConfigError: when it was prepared in another shape.
    """
    study = params["study"]["name"]
    facts = root / "out" / study / "prepared" / "cohort.json"
    if not facts.is_file():
        return False
    shape, wanted = json.loads(facts.read_text(encoding="utf-8"))["shape"], params["prepare"]["shape"]
    if list(shape) != list(wanted):
        raise ConfigError(
            f"{facts.parent} was prepared with the shape {shape}, and this sweep's is {wanted}: prepare it again with "
            "`dvc repro prepare`, or give the sweep a study.name of its own"
        )
    return True
