"""Speed and memory of HA-GAN's training: `python benchmarks/hagan.py [--device cuda] [--sizes 64 128] [--rows all]`.

Trains on made-up volumes, all four updates and the averaging of weights, loading included, and prints a table per size:
a plain loop of the same updates in full precision (benchmarks/plain_hagan.py), synthtrial's training with every switch
of conf/trainer off, with each one on by itself, with all on, and with `auto`, which is what a training takes. On a GPU
it prints all rows at 64^3, 128^3 and 256^3; on a CPU `auto` at 128^3, unless others are asked for.

The row `plain` keeps fp32 throughout: no TF32. All other rows leave TF32 as PyTorch has it, which is on for a GPU's
convolutions; `plain_tf32` is the plain loop with it. `x plain` and `x tf32` are images/s against these two rows.

Each row has a process of its own, so that its peak memory is its own. Other work on the machine only ever slows a step
down, so look at the quickest step, too; with `--threads 1` the CPU seconds hardly feel it.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import resource
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import pairwise
from statistics import median
from typing import Any

OFF = {"precision": "32-true", "channels_last": False, "compile": False, "fused": False, "prefetch": False}
ON = {"precision": "bf16-mixed", "channels_last": True, "compile": True, "fused": True, "prefetch": True}
ROWS: dict[str, dict[str, Any] | None] = {
    "plain": None,
    "plain_tf32": None,
    "off": OFF,
    "bf16": OFF | {"precision": "bf16-mixed"},
    "channels_last": OFF | {"channels_last": True},
    "compile": OFF | {"compile": True},
    "fused": OFF | {"fused": True},
    "prefetch": OFF | {"prefetch": True},
    "together": ON,
    "auto": dict.fromkeys(ON, "auto"),
}
"""The trainer's switches by row; None for the plain loop."""
ON_GPU_ALONE = ("plain_tf32", "prefetch")
"""Rows that are no others on a CPU: it has no TF32, and nothing to copy."""
VOLUMES = 4
"""Different volumes that are loaded again and again."""
HEADS = (
    f"{'':<15}{'s/step':>9}{'best':>9}{'images/s':>10}{'x plain':>9}{'x tf32':>9}{'peak GiB':>10}{'CPU s/step':>12}"
    f"{'first, s':>10}"
)


def main() -> None:
    """Read the command line, run one row after another, and print a table per size."""
    words = read_words()
    for size in words.sizes:
        print(f"HA-GAN {size}^3, batch {words.batch}, width {words.width}, {words.steps} steps, {device_name(words)}")
        print(HEADS)
        middles: dict[str, float] = {}
        for row in words.rows:
            result = in_own_process(row, size, words)
            if isinstance(result, str):
                print(f"{row:<15}  {result}", flush=True)
                continue
            seconds, cpu_seconds, peak = result
            middle = middles[row] = median(seconds[words.warmup :])
            gains = [f"{middles[to] / middle:.2f}" if to in middles else "" for to in ("plain", "plain_tf32")]
            rates = f"{middle:9.3f}{min(seconds[words.warmup :]):9.3f}{words.batch / middle:10.2f}"
            rest = f"{peak:10.2f}{median(cpu_seconds[words.warmup :]):12.2f}{seconds[0]:10.1f}"
            print(f"{row:<15}{rates}{gains[0]:>9}{gains[1]:>9}{rest}", flush=True)


def read_words() -> argparse.Namespace:
    """The command line, with what is usual for the device filled in."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument(
        "--sizes", type=int, nargs="+", help="sides of the cube, voxels (default: 128; GPU: 64 128 256)"
    )
    parser.add_argument("--rows", nargs="+", choices=("all", *ROWS), help="what to measure (default: auto; GPU: all)")
    parser.add_argument("--batch", type=int, default=2, help="images per step (default: 2)")
    parser.add_argument("--width", type=int, default=64, help="channels of the latent volume (default: 64)")
    parser.add_argument("--latent", type=int, default=1024, help="length of the noise vector (default: 1024)")
    parser.add_argument("--channels", type=int, default=1, help="channels of the image (default: 1)")
    parser.add_argument("--steps", type=int, help="steps that count (default: 5; GPU: 20)")
    parser.add_argument("--warmup", type=int, help="steps before them (default: 1; GPU: 10)")
    parser.add_argument("--threads", type=int, help="CPU threads (default: one per core)")
    words = parser.parse_args()
    usual: dict[str, Any] = {"sizes": [128], "rows": ["auto"], "steps": 5, "warmup": 1}
    if words.device == "cuda":
        usual = {"sizes": [64, 128, 256], "rows": ["all"], "steps": 20, "warmup": 10}
    for key, value in usual.items():
        if getattr(words, key) is None:
            setattr(words, key, value)
    if words.steps < 1 or words.warmup < 1:
        parser.error("--steps and --warmup must be at least 1")
    if "all" in words.rows:
        words.rows = [row for row in ROWS if words.device == "cuda" or row not in ON_GPU_ALONE]
    return words


def device_name(words: argparse.Namespace) -> str:
    """What the figures were measured on; ends the program where it is not there."""
    import torch

    if words.device == "cpu":
        return f"CPU, {words.threads or torch.get_num_threads()} threads, torch {torch.__version__}"
    if not torch.cuda.is_available():
        raise SystemExit("--device cuda: torch finds no GPU here; use --device cpu")
    convolutions, products = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    tf32 = f"TF32 off in plain; in the other rows convolutions {convolutions}, matrix products {products}"
    return f"{torch.cuda.get_device_name()}, torch {torch.__version__}. {tf32}"


def in_own_process(row: str, size: int, words: argparse.Namespace) -> tuple[list[float], list[float], float] | str:
    """What `measure` returns, or why there is nothing."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(measure, row, size, words).result()
        except BrokenProcessPool:
            return "killed, as the system does when memory runs out"


def measure(row: str, size: int, words: argparse.Namespace) -> tuple[list[float], list[float], float] | str:
    """Wall and CPU seconds of every step, and the peak memory in GiB; or why there is nothing."""
    import torch

    from synthtrial.gans.memory import return_memory_promptly

    return_memory_promptly()
    warnings.filterwarnings("ignore")
    if words.threads:
        torch.set_num_threads(words.threads)
    clock = Clock(words.device)
    if row == "plain":
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        train(ROWS[row], size, words, clock)
    except Exception as error:  # such as no memory, or no compiler: the other rows are measured all the same
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
    if words.device == "cuda":
        peak = torch.cuda.max_memory_allocated() / 2**30
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return (*clock.seconds(), peak)


def train(switches: dict[str, Any] | None, size: int, words: argparse.Namespace, clock: Clock) -> None:
    """Train by the plain loop, or as synthtrial trains with some switches."""
    import torch
    from torch.utils.data import DataLoader

    from plain_hagan import train as train_plainly
    from synthtrial.device_loader import DeviceLoader
    from synthtrial.gans.tuning import tune
    from synthtrial.hardware import lightning_precision
    from synthtrial.speed import speed_of

    gan, volumes = made_gan(size, words), MadeUpVolumes(size, words)
    if switches is None:
        clock.tick()
        train_plainly(gan, DataLoader(volumes, batch_size=words.batch), torch.device(words.device), clock.tick)
        return
    import pytorch_lightning as pl

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)  # which the import has set

    class Ticking(pl.Callback):
        def on_train_start(self, *_: Any) -> None:
            clock.tick()

        def on_train_batch_end(self, *_: Any) -> None:
            clock.tick()

    trainer = switches | {"accelerator": {"cpu": "cpu", "cuda": "gpu"}[words.device]}
    tune(gan, trainer)
    pl.Trainer(
        accelerator=trainer["accelerator"],
        devices=1,
        precision=lightning_precision(trainer),
        max_epochs=1,
        callbacks=[Ticking()],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(gan, DeviceLoader(volumes, batch_size=words.batch, ahead=speed_of(trainer).prefetch))


def made_gan(size: int, words: argparse.Namespace) -> Any:
    """HA-GAN as published, with its schedule."""
    import torch

    from synthtrial.gans.hagan import HAGAN
    from synthtrial.gans.schedule import Schedule

    torch.manual_seed(0)
    gan = HAGAN(
        image_size=size,
        image_channels=words.channels,
        spatial_dims=3,
        latent=words.latent,
        width=words.width,
        loss="non_saturating",
        lr_g=1e-4,
        lr_d=4e-4,
        lr_e=1e-4,
        betas=(0.0, 0.999),
        spectral_norm=True,
    )
    gan.schedule = Schedule(images=words.batch * (words.warmup + words.steps), batch_size=words.batch)
    return gan


class MadeUpVolumes:
    """Volumes of noise, kept and scaled as a prepared cohort's are."""

    def __init__(self, size: int, words: argparse.Namespace) -> None:
        import numpy as np

        shape = (VOLUMES, words.channels, size, size, size)
        self.kept = np.random.default_rng(0).integers(-32767, 32767, shape, dtype=np.int16)
        self.length = words.batch * (words.warmup + words.steps)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Any]:
        import numpy as np
        import torch

        if index >= self.length:
            raise IndexError(index)
        return {"real": torch.from_numpy(self.kept[index % VOLUMES].astype(np.float32) / 32767)}


class Clock:
    """Takes the time between ticks; on a GPU by its own events, so that nothing waits for it."""

    def __init__(self, device: str) -> None:
        self.on_gpu = device == "cuda"
        self.marks: list[Any] = []
        self.cpu_marks: list[float] = []

    def tick(self) -> None:
        """Note the time."""
        import torch

        self.cpu_marks.append(time.process_time())
        if self.on_gpu:
            self.marks.append(torch.cuda.Event(enable_timing=True))
            self.marks[-1].record()
        else:
            self.marks.append(time.perf_counter())

    def seconds(self) -> tuple[list[float], list[float]]:
        """Wall and CPU seconds between the ticks."""
        import torch

        if self.on_gpu:
            torch.cuda.synchronize()
        return list(self.between()), [after - before for before, after in pairwise(self.cpu_marks)]

    def between(self) -> Iterator[float]:
        """Wall seconds from each tick to the next."""
        for before, after in pairwise(self.marks):
            yield before.elapsed_time(after) / 1000 if self.on_gpu else after - before


if __name__ == "__main__":
    main()
