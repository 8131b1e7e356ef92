"""The processes of one training: who they are, who leads, and what they add up together.

Every process runs the whole stage. The leading one writes results, shows progress and tells errors; the others only
train. They are started by Lightning, which runs the stage's own command again, by `srun`, or by `torchrun`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any

from synthtrial.errors import ConfigError, TrainingError

if TYPE_CHECKING:
    from logging import LogRecord

    from torch import Tensor

LOST = (
    "the processes of this training have lost each other, most likely because one of them has ended; what it said "
    "stands above. The same command goes on from the last checkpoint"
)


def processes_of(trainer: Mapping[str, Any]) -> int:
    """Processes of one training, one per device: `devices` on each of `nodes`."""
    return int(trainer["devices"]) * int(trainer.get("nodes") or 1)


def starter() -> str:
    """What started the processes of this training: `srun`, `torchrun`, or `lightning`, which starts them itself."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return "torchrun"
    return "srun" if int(os.environ.get("SLURM_STEP_NUM_TASKS", "1")) > 1 else "lightning"


def leads() -> bool:
    """Whether this process is the first of its training, also where it is the only one. Known from the start."""
    names = {"srun": ("SLURM_PROCID",), "torchrun": ("RANK",), "lightning": ("NODE_RANK", "LOCAL_RANK")}
    return all(os.environ.get(name, "0") == "0" for name in names[starter()])


def local_number() -> int:
    """This process's number among those on its machine, which is also its GPU's."""
    return int(os.environ.get("SLURM_LOCALID" if starter() == "srun" else "LOCAL_RANK", "0"))


def check_processes(trainer: Mapping[str, Any]) -> None:
    """Refuse a training whose processes are not those that were started, or that can't find each other.

    Raises:
        ConfigError: when `trainer.devices` and `trainer.nodes` are not what `srun` or `torchrun` started, or several
            machines take part and nothing says where the first one is.
    """
    devices, nodes = int(trainer["devices"]), int(trainer.get("nodes") or 1)
    asked = f"trainer.devices={devices} on trainer.nodes={nodes}"
    by = starter()
    if by == "srun":
        tasks, per_node = int(os.environ["SLURM_STEP_NUM_TASKS"]), os.environ.get("SLURM_NTASKS_PER_NODE", "")
        if tasks != devices * nodes or per_node != str(devices):
            found = f"srun started {tasks} processes, {per_node or 'an unsaid number'} per node"
            raise ConfigError(f"{found}, but {asked}: call srun with --nodes={nodes} --ntasks-per-node={devices}")
    elif by == "torchrun":
        tasks, local = int(os.environ["WORLD_SIZE"]), int(os.environ["LOCAL_WORLD_SIZE"])
        if (tasks, local) != (devices * nodes, devices):
            found = f"torchrun started {tasks} processes, {local} on this node"
            raise ConfigError(f"{found}, but {asked}: call it with --nnodes={nodes} --nproc-per-node={devices}")
    elif nodes > 1 and not {"MASTER_ADDR", "MASTER_PORT", "NODE_RANK"} <= os.environ.keys():
        raise ConfigError(
            f"trainer.nodes={nodes}: start the stage on every node by srun or torchrun, or set MASTER_ADDR, "
            "MASTER_PORT and NODE_RANK on each; on this machine alone set trainer.nodes=1"
        )


def check_machine(trainer: Mapping[str, Any]) -> None:
    """Refuse a training that this machine, or the way it was started, can't do. No torch is imported without need.

    Raises:
        ConfigError: as `check_processes` and `hardware.check_devices` do.
    """
    check_processes(trainer)
    if trainer["accelerator"] == "gpu" or (trainer["accelerator"] == "auto" and trainer["devices"] > 1):
        from synthtrial.hardware import check_devices

        check_devices(trainer)


def one_process(trainer: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings for work that takes a single process."""
    return {**trainer, "devices": 1, "nodes": 1}


def place() -> tuple[int, int]:
    """This process's number, and how many train together; known once training has begun, before that `(0, 1)`."""
    from torch import distributed

    if not distributed.is_available() or not distributed.is_initialized():
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


def summed(tensor: Tensor) -> Tensor:
    """The sum of a tensor over all processes."""
    if place()[1] > 1:
        from torch import distributed

        tensor = tensor.clone()
        distributed.all_reduce(tensor)
    return tensor


def averaged(tensor: Tensor) -> Tensor:
    """The mean of a tensor over all processes."""
    return summed(tensor) / place()[1]


def in_turns(values: Tensor, count: int) -> Tensor:
    """What the processes have found about items that they took in turns, in the order of the items.

    Args:
        values: of this process, `(n,)`, as many in each; those past the last item are left out.
        count: number of items.
    """
    _, processes = place()
    if processes == 1:
        return values[:count]
    import torch

    parts = [torch.empty_like(values) for _ in range(processes)]
    torch.distributed.all_gather(parts, values)
    return torch.stack(parts, dim=1).flatten()[:count]


@contextmanager
def together() -> Iterator[None]:
    """Say in a sentence that another process has ended, where this one only finds its connection closed."""
    try:
        yield
    except RuntimeError as error:
        from torch.distributed import DistError

        words = str(error)
        if place()[1] == 1 or not (isinstance(error, DistError) or "gloo" in words or "closed by peer" in words):
            raise
        raise TrainingError(f"{LOST} ({words.splitlines()[0][:200]})") from error


def tell_the_lost(record: LogRecord) -> bool:
    """Say the same where Lightning finds it first, and kills this process: a logging filter of what it says itself."""
    if "terminated" in record.getMessage():
        print(f"error: {LOST}", file=sys.stderr, flush=True)
    return False


def end_with_leader() -> None:
    """Let a process that Lightning has started end when the leading one is killed; it would wait for it for hours."""
    leader = os.getppid()

    def watch() -> None:
        while os.getppid() == leader:
            time.sleep(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()
