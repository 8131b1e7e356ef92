"""What launching asks of DVC: which stages are not up to date, and to run those."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from synthtrial.errors import ConfigError
from synthtrial.launching.command import Command

DVC = (sys.executable, "-m", "dvc")


def changed_stages(*stages: str, before: bool = False) -> set[str]:
    """Names of places in the matrix of stages, such as `train_gan@demo-hagan-development`, that are not up to date.

    Args:
        stages: the stages; all without a name.
        before: whether to name those of all stages before them, too.

    Raises:
        ConfigError: when DVC can't tell.
    """
    options = ["--with-deps"] if before and stages else []
    done = subprocess.run([*DVC, "status", "--json", *options, *stages], capture_output=True, text=True)
    try:
        return set(json.loads(done.stdout))
    except json.JSONDecodeError as error:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise ConfigError(
            f"`{' '.join(('dvc status', *stages))}` can't tell: {lines[0] if lines else done.stdout.strip()}"
        ) from error


def repro(stages: tuple[str, ...]) -> Command:
    """The command that runs what is not up to date of some stages and all before them; of all without a name."""
    name = "-".join(("dvc-repro", *stages))
    return Command(name, (*DVC, "repro", *stages), Path.cwd())
