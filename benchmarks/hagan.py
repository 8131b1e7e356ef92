"""Time and memory of HA-GAN's training step: `python benchmarks/hagan.py [--size 128] [--batch 2] [--device cpu]`.

Runs the step that training runs, all four updates and the averaging of weights included, on random volumes. The
quickest step counts, since other work on the machine only ever slows one down; with `--threads 1` the CPU seconds
hardly feel it.
"""

from __future__ import annotations

import argparse
import logging
import resource
import time
import warnings
from statistics import median
from typing import Any


def main() -> None:
    """Read the command line, run a few steps and print figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=128, help="side of the cube, voxels (default: 128)")
    parser.add_argument("--batch", type=int, default=2, help="images per step (default: 2)")
    parser.add_argument("--width", type=int, default=64, help="channels of the latent volume (default: 64)")
    parser.add_argument("--latent", type=int, default=1024, help="length of the noise vector (default: 1024)")
    parser.add_argument("--channels", type=int, default=1, help="channels of the image (default: 1)")
    parser.add_argument("--steps", type=int, default=6, help="steps to run (default: 6)")
    parser.add_argument("--device", default="cpu", choices=("cpu", "gpu"))
    parser.add_argument("--precision", default="auto", help="as in conf/trainer (default: auto)")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads (default: one per core)")
    words = parser.parse_args()
    seconds, cpu_seconds, peak = measure(words)
    best, middle = min(seconds), median(seconds)
    print(f"HA-GAN {words.size}^3, batch {words.batch}, width {words.width}, {words.device}, {words.precision}")
    print(f"  seconds per step   best {best:.2f}   median {middle:.2f}   of {len(seconds)} after the first")
    print(f"  CPU seconds        best {min(cpu_seconds):.2f}   median {median(cpu_seconds):.2f}")
    print(f"  images per second  best {words.batch / best:.2f}   median {words.batch / middle:.2f}")
    print(f"  peak memory        {peak:.2f} GiB {'resident' if words.device == 'cpu' else 'on the GPU'}")


def measure(words: argparse.Namespace) -> tuple[list[float], list[float], float]:
    """Wall and CPU seconds of every step but the first, and the peak memory in GiB."""
    import pytorch_lightning as pl
    import torch
    from torch.utils.data import DataLoader, Dataset

    from synthtrial.gans.hagan import HAGAN
    from synthtrial.gans.memory import return_memory_promptly
    from synthtrial.gans.schedule import Schedule
    from synthtrial.hardware import lightning_precision

    return_memory_promptly()
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    if words.threads:
        torch.set_num_threads(words.threads)

    class RandomVolumes(Dataset):
        def __len__(self) -> int:
            return words.batch * words.steps

        def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
            return {"real": torch.rand(words.channels, *[words.size] * 3) * 2 - 1}

    class Clock(pl.Callback):
        def __init__(self) -> None:
            self.seconds: list[float] = []
            self.cpu_seconds: list[float] = []

        def on_train_batch_start(self, *_: Any) -> None:
            self.start, self.cpu_start = time.perf_counter(), time.process_time()

        def on_train_batch_end(self, *_: Any) -> None:
            if words.device == "gpu":
                torch.cuda.synchronize()
            self.seconds.append(time.perf_counter() - self.start)
            self.cpu_seconds.append(time.process_time() - self.cpu_start)

    torch.manual_seed(0)
    gan = HAGAN(
        image_size=words.size,
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
    gan.schedule = Schedule(images=words.batch * words.steps, batch_size=words.batch)
    clock = Clock()
    pl.Trainer(
        accelerator=words.device,
        devices=1,
        precision=lightning_precision({"accelerator": words.device, "precision": words.precision}),
        max_epochs=1,
        callbacks=[clock],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(gan, DataLoader(RandomVolumes(), batch_size=words.batch))
    if words.device == "gpu":
        peak = torch.cuda.max_memory_allocated() / 2**30
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return clock.seconds[1:], clock.cpu_seconds[1:], peak


if __name__ == "__main__":
    main()
