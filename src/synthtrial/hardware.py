"""What a trainer's settings mean on this machine."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import torch

from synthtrial.errors import ConfigError
from synthtrial.processes import local_number, processes_of, starter, tell_the_lost

PATIENCE = timedelta(hours=6)
"""How long a process waits for the others, such as while the leading one judges validation cases or draws samples."""


def best_device(trainer: Mapping[str, Any]) -> torch.device:
    """The device of this process: a GPU where there is one and the trainer may use it.

    Raises:
        ConfigError: when the trainer must use a GPU and there is none.
    """
    if trainer["accelerator"] == "gpu" and not torch.accelerator.is_available():
        raise ConfigError("trainer.accelerator is gpu, but torch finds none here; set trainer.accelerator=auto")
    on_gpu = trainer["accelerator"] != "cpu" and torch.cuda.is_available()
    if on_gpu and processes_of(trainer) > 1:
        return torch.device("cuda", local_number())
    return torch.device("cuda" if on_gpu else "cpu")


def check_devices(trainer: Mapping[str, Any]) -> None:
    """Refuse devices that this machine does not have.

    Raises:
        ConfigError: when the trainer must use a GPU and there is none, or asks for more of them than there are.
    """
    if best_device(trainer).type == "cpu":
        return
    if trainer["devices"] > (found := torch.accelerator.device_count()):
        raise ConfigError(
            f"trainer.devices is {trainer['devices']}, but torch finds {found} GPU{'s' * (found > 1)} here; set "
            f"trainer.devices={found} or fewer, or trainer.accelerator=cpu for processes on the CPU"
        )


def lightning_precision(trainer: Mapping[str, Any]) -> Any:
    """Lightning's precision; `auto` means bf16-mixed on a GPU that has it, else 32-true."""
    on_gpu = best_device(trainer).type == "cuda"
    if trainer["precision"] != "auto":
        return trainer["precision"]
    return "bf16-mixed" if on_gpu and torch.cuda.is_bf16_supported() else "32-true"


def lightning_processes(trainer: Mapping[str, Any], strategy: type | None = None) -> dict[str, Any]:
    """What Lightning's Trainer is told of devices, machines and the processes on them.

    Args:
        trainer: `accelerator`, `devices`, and optionally `nodes`.
        strategy: how several processes average their gradients; None for Lightning's own `DDPStrategy`.
    """
    from pytorch_lightning.strategies import DDPStrategy

    several = processes_of(trainer) > 1
    return {
        "accelerator": trainer["accelerator"],
        "devices": trainer["devices"],
        "num_nodes": trainer.get("nodes") or 1,
        "strategy": (strategy or DDPStrategy)(timeout=PATIENCE) if several else "auto",
        "use_distributed_sampler": False,
        # Not where a strategy of ours averages: second derivatives, as of a gradient penalty, do not go through it.
        "sync_batchnorm": several and strategy is None and best_device(trainer).type == "cuda",
    }


def cluster_environment() -> Any:
    """Lightning's plugin that tells a process its number, by what started it.

    Always said, so that a job of a single task starts its own processes, and so that Lightning never requeues a Slurm
    job by itself: its checkpoint in the working directory would be taken up by any other training there.
    """
    from lightning_fabric.plugins.environments import LightningEnvironment, SLURMEnvironment, TorchElasticEnvironment

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it would greet from every process
    # Lightning kills all processes when one that it started has failed, and says so as information alone.
    launcher = logging.getLogger("lightning_fabric.strategies.launchers.subprocess_script")
    launcher.setLevel(logging.INFO)
    launcher.addFilter(tell_the_lost)
    if starter() == "srun":
        return SLURMEnvironment(auto_requeue=False)
    return TorchElasticEnvironment() if starter() == "torchrun" else LightningEnvironment()
