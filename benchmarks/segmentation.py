"""Throughput of segmenters beside plain MONAI: `python benchmarks/segmentation.py [--steps 8] [--width 4]`.

Trains MONAI's U-Net (as in conf/segmenter/unet.yaml) and SegResNet on a made-up prepared cohort, with the `fit` that
the trial uses, and with a plain loop over MONAI's CacheDataset and DataLoader: the same network, loss, optimizer and
augmentation. Each loop has a process of its own, and they take turns step by step, so that other work on the machine
hits both alike. CPU seconds feel other work least. On a CPU, SegResNet is made narrow (`--width`) to end in minutes.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import resource
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
Turn = Callable[[], None]


def main() -> None:
    """Read the command line, let both loops train in turns, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=int, nargs=3, default=[128, 128, 64], help="voxels (default: 128 128 64)")
    parser.add_argument("--networks", nargs="+", default=["unet", "segresnet"], choices=("unet", "segresnet"))
    parser.add_argument("--width", type=int, default=4, help="SegResNet's first level, feature maps (default: 4)")
    parser.add_argument("--batch", type=int, default=2, help="cases per step (default: 2)")
    parser.add_argument("--steps", type=int, default=8, help="steps per loop after a first one (default: 8)")
    parser.add_argument("--cases", type=int, default=6, help="cases of the cohort (default: 6)")
    parser.add_argument("--workers", type=int, default=0, help="loader workers of each loop (default: 0)")
    parser.add_argument("--threads", type=int, default=1, help="threads of each loop (default: 1)")
    parser.add_argument("--device", default="cpu", choices=("cpu", "gpu"))
    words = parser.parse_args()
    size = "x".join(map(str, words.shape))
    print(f"training at {size}, batch {words.batch}, {words.threads} threads, {words.workers} workers, {words.device}")
    print(f"{'network':<22}{'loop':<12}{'cases/s':>9}{'best':>9}{'CPU s/case':>12}{'peak GiB':>10}")
    with tempfile.TemporaryDirectory() as folder:
        write_cohort(Path(folder), tuple(words.shape), words.cases)
        for name in words.networks:
            settings = settings_of(name, words)
            shown = name if name == "unet" else f"{name}, width {words.width}"
            for loop, (seconds, cpu_seconds, peak) in in_turns(Path(folder), settings, words).items():
                rates = f"{words.batch / median(seconds):9.3f}{words.batch / min(seconds):9.3f}"
                print(f"{shown:<22}{loop:<12}{rates}{median(cpu_seconds) / words.batch:12.3f}{peak:10.2f}", flush=True)


def write_cohort(folder: Path, shape: tuple[int, ...], n_cases: int) -> None:
    """Write a prepared cohort of noise with a bright ball in each case."""
    import numpy as np
    import pandas as pd

    from synthtrial.atomic import write_json
    from synthtrial.cohorts.prepared import INT16_SCALE

    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"))
    rows = []
    for case_id in (f"case{number}" for number in range(n_cases)):
        centre = np.array([rng.uniform(0.3, 0.7) * n for n in shape]).reshape(-1, *[1] * len(shape))
        mask = (((grid - centre) ** 2).sum(0) < (min(shape) / 6) ** 2).astype(np.uint8)
        image = np.clip(rng.normal(-0.5, 0.1, shape) + 0.5 * mask, -1, 1)
        np.save(folder / f"{case_id}.npy", np.round(image[None] * INT16_SCALE).astype(np.int16))
        np.save(folder / f"{case_id}-mask.npy", mask)
        rows.append({"case_id": case_id, "image": f"{case_id}.npy", "mask": f"{case_id}-mask.npy"})
    pd.DataFrame(rows).to_csv(folder / "cases.csv", index=False)
    write_json(folder / "cohort.json", {"name": "balls", "labels": ["ball"], "shape": list(shape)})


def settings_of(name: str, words: argparse.Namespace) -> dict[str, Any]:
    """A segmenter's settings from conf/, for the steps of this benchmark."""
    import yaml

    settings = yaml.safe_load((REPOSITORY / "conf" / "segmenter" / f"{name}.yaml").read_text(encoding="utf-8"))
    settings["train"] |= {"steps": words.steps + 1, "batch_size": words.batch}
    if name == "segresnet":
        settings["network"]["init_filters"] = words.width
    return settings


def in_turns(
    folder: Path, settings: dict[str, Any], words: argparse.Namespace
) -> dict[str, tuple[list[float], list[float], float]]:
    """Wall and CPU seconds of every step but the first, and peak memory in GiB, by loop."""
    context = multiprocessing.get_context("spawn")
    pipes, processes = {}, []
    for loop in (ours, plain_monai):
        pipes[loop.__name__], far_end = context.Pipe()
        processes.append(context.Process(target=run, args=(loop, far_end, folder, settings, words)))
        processes[-1].start()
        far_end.close()  # so that a loop that breaks off is noticed
    times: dict[str, list[tuple[float, float]]] = {loop: [] for loop in pipes}
    for step in range(words.steps + 1):
        for loop in list(pipes)[:: 1 if step % 2 else -1]:
            pipes[loop].send("go")
            times[loop].append(pipes[loop].recv())
    measured = {}
    for loop, pipe in pipes.items():
        pipe.send("go")
        wall, cpu = zip(*times[loop][1:], strict=True)
        measured[loop] = (list(wall), list(cpu), pipe.recv())
    for process in processes:
        process.join()
    return measured


def run(loop: Callable, pipe: Connection, folder: Path, settings: dict[str, Any], words: argparse.Namespace) -> None:
    """Run one loop in this process; it waits for its turn before each step and tells how long the step took."""
    import torch

    torch.set_num_threads(words.threads)
    warnings.filterwarnings("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    started = [0.0, 0.0]

    def turn(first: bool = False) -> None:
        if not first:
            pipe.send((time.perf_counter() - started[0], time.process_time() - started[1]))
        pipe.recv()
        started[:] = time.perf_counter(), time.process_time()

    turn(first=True)
    loop(folder, settings, words, turn)
    if words.device == "gpu":
        pipe.send(torch.cuda.max_memory_allocated() / 2**30)
    else:
        pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def ours(folder: Path, settings: dict[str, Any], words: argparse.Namespace, turn: Turn) -> None:
    """The training of the trial."""
    from synthtrial.cohorts.prepared import PreparedCohort
    from synthtrial.segmentation.training import fit
    from synthtrial.supervised.case import TrainingCase

    cohort = PreparedCohort(folder)
    cases = [TrainingCase(name, "real", partial(load_case, cohort, name)) for name in cohort.cases.index]
    trainer = {"accelerator": words.device, "devices": 1, "precision": "auto", "loader_workers": words.workers}
    fit(
        cases,
        [],
        labels=cohort.labels,
        channels=1,
        spatial_dims=3,
        settings=settings,
        trainer=trainer,
        seed=0,
        log=lambda metrics, step: turn(),
    )


def load_case(cohort: Any, case_id: str) -> dict[str, Any]:
    """Image and mask of one case."""
    return {"image": cohort.image(case_id), "mask": cohort.mask(case_id)[None]}


def plain_monai(folder: Path, settings: dict[str, Any], words: argparse.Namespace, turn: Turn) -> None:
    """A training loop as MONAI's tutorials write it, with everything that is not random cached in memory."""
    import pandas as pd
    import torch
    from monai.data import CacheDataset, DataLoader
    from monai.losses import DiceCELoss
    from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged, ScaleIntensityRanged

    from synthtrial.hardware import best_device, lightning_precision
    from synthtrial.segmentation.augmentation import augmentation
    from synthtrial.segmentation.network import build_network
    from synthtrial.segmentation.settings import train_settings
    from synthtrial.supervised.schedule import learning_rate_factor

    train = train_settings(settings["train"])
    table = pd.read_csv(folder / "cases.csv")
    files = [{"image": folder / row.image, "mask": folder / row.mask} for row in table.itertuples()]
    reading = [
        LoadImaged(("image", "mask")),
        EnsureChannelFirstd("image", channel_dim=0),
        EnsureChannelFirstd("mask", channel_dim="no_channel"),
        ScaleIntensityRanged("image", -32767, 32767, -1, 1),
    ]
    random = augmentation(train.augmentation, crop_shape=None, n_labels=1).transforms
    dataset = CacheDataset(files, Compose([*reading, *random]), progress=False)
    loader = DataLoader(dataset, words.workers, batch_size=train.batch_size, shuffle=True, drop_last=True)

    trainer = {"accelerator": words.device, "precision": "auto"}
    device, steps = best_device(trainer), words.steps + 1
    half = lightning_precision(trainer) == "bf16-mixed"
    network = build_network(settings["network"], spatial_dims=3, channels=1, n_labels=1, seed=0).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=train.lr, weight_decay=train.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_rate_factor(step, steps, train.warmup)
    )
    criterion = DiceCELoss(to_onehot_y=True, softmax=True)
    done = 0
    while done < steps:
        for batch in loader:
            optimizer.zero_grad()
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                logits = network(batch["image"].to(device))
            loss = criterion(logits.float(), batch["mask"].to(device))
            loss.backward()
            optimizer.step()
            schedule.step()
            loss.item()
            turn()
            done += 1
            if done == steps:
                break


if __name__ == "__main__":
    main()
