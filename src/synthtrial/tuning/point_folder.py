"""The folder of a point: a frozen params.yaml, links to what all points share, logs and results of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthtrial.composing import write_params
from synthtrial.tuning.space import words_of

OWN = {"out", "params.yaml", "dvc.lock", "mlflow.db", "mlartifacts"}
"""What lies at the project's root and is not linked: points have their own, or none."""
UNTRACKED = ["tracking=off"]
"""Stages of a point log nothing themselves: the worker logs one run per point."""


def prepare_point(folder: Path, root: Path, conf: Path, words: list[str], point: Mapping[str, Any]) -> dict[str, Any]:
    """Compose a point and link what it shares with the study.

    Args:
        folder: of the point.
        root: of the project: the working directory of the study.
        conf: the folder of configuration files.
        words: that the sweep was given for the study.
        point: key to value.

    Returns:
        The composed parameters.
    """
    folder.mkdir(parents=True, exist_ok=True)
    params = write_params([*words, *words_of(point), *UNTRACKED], conf, folder / "params.yaml")
    for entry in root.iterdir():
        if entry.name not in OWN and not entry.name.startswith((".", "mlflow.db")):
            link(folder / entry.name, entry)
    if not (folder / "dvc.yaml").exists():
        link(folder / "dvc.yaml", conf.parent / "dvc.yaml")
    study = params["study"]["name"]
    for name in ("prepared", "checkpoints/features"):
        (root / "out" / study / name).parent.mkdir(parents=True, exist_ok=True)
        if name != "prepared":
            (root / "out" / study / name).mkdir(exist_ok=True)
        link(folder / "out" / study / name, root / "out" / study / name)
    for other in (root / "out").iterdir():  # a generator may start from a model of another study
        if other.name != study:
            link(folder / "out" / other.name, other)
    return params


def link(place: Path, target: Path) -> None:
    """Make `place` a link to `target`, unless it is one."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink() and Path(os.readlink(place)) == target.resolve():
        return
    place.unlink(missing_ok=True)
    place.symlink_to(target.resolve())
