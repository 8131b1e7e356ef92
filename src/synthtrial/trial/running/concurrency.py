"""How many models of an arm are trained side by side on this machine, and by how many threads each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from synthtrial.errors import ConfigError
from synthtrial.processes import processes_of


def threads_per_model(trainer: Mapping[str, Any], models: int) -> int | None:
    """CPU threads of one model's training: `runtime.threads`, or its part of the cores.

    It depends on the number of models, not on that of processes: sums round differently with other threads, and how
    many models are trained side by side must not change a result. On a GPU, where the threads change nothing but the
    speed, None leaves them to torch.

    Args:
        trainer: `accelerator`, `devices` and, optionally, `nodes` and `threads`.
        models: models of the arm.
    """
    if trainer.get("threads"):
        return int(trainer["threads"])
    side_by_side = int(trainer["devices"]) if processes_of(trainer) > 1 else models
    return None if _on_gpu(trainer) else max(1, _cores() // side_by_side)


def processes(trainer: Mapping[str, Any], models: int) -> int:
    """Processes that train models side by side: `runtime.fold_workers`, or as many as the cores suffice for.

    Where each model is trained by several processes, one model is trained after another.

    Args:
        trainer: `accelerator`, `devices` and, optionally, `nodes`, `threads` and `fold_workers`.
        models: models of the arm.

    Raises:
        ConfigError: when models are to be trained side by side, by several processes each.
    """
    wanted = trainer.get("fold_workers")
    if processes_of(trainer) > 1:
        if (wanted or 1) > 1:
            raise ConfigError(
                f"runtime.fold_workers is {wanted}, but each model is trained by {processes_of(trainer)} processes "
                "(trainer.devices x trainer.nodes), one model after another: set runtime.fold_workers=null, or "
                "trainer.devices=1 to train the models side by side"
            )
        return 1
    if wanted is None:
        wanted = 1 if _on_gpu(trainer) else _cores() // (threads_per_model(trainer, models) or 1)
    return max(1, min(int(wanted), models))


def _cores() -> int:
    """CPU cores that this process may use: in a job of a cluster, those of the job."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _on_gpu(trainer: Mapping[str, Any]) -> bool:
    if trainer["accelerator"] == "cpu":
        return False
    from synthtrial.hardware import best_device  # imports torch, which takes a second

    return best_device(trainer).type != "cpu"
