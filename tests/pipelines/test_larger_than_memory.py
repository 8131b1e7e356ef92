"""A cohort larger than the memory that its stages may take beyond what a few cases need."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from small_study import box, finish, write_case, write_project

pytestmark = pytest.mark.slow

SHAPE = (64, 64, 64)
FEW, MANY = 12, 120
STAGES = (
    ["prepare"],
    ["train_gan", "dcgan"],
    ["synthesize", "dcgan"],
    ["assemble"],
    ["segment", "mixed"],
)
ROOM = 40 * 2**20
"""Bytes that many cases may take beyond what few take: a third of what they are as float32."""


def peak_data(folder: Path, words: list[str], limit: int | None) -> int:
    """Run a stage; return the most private memory of any of its processes, bytes.

    It is what RLIMIT_DATA limits, for each process by itself: all but files that are mapped, which the system may drop.
    """

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    command = [sys.executable, f"pipelines/{words[0]}.py", *words[1:]]
    log = folder / "stderr.txt"
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            command,
            cwd=folder,
            stderr=stderr,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},
            preexec_fn=limited,
        ) as process,
    ):
        peak, end = 0, time.monotonic() + 600
        try:
            while process.poll() is None:
                assert time.monotonic() < end, f"{words} takes longer than ten minutes"
                peak = max(peak, largest(process.pid))
                time.sleep(0.02)
        finally:
            process.kill()
    assert process.returncode == 0, f"{words} under {limit}: {log.read_text()[-2000:]}"
    return peak


def largest(process: int) -> int:
    """The most private memory that a process or one of its descendants has had so far, bytes."""
    try:
        top = psutil.Process(process)
        return max(most_private(one.pid) for one in (top, *top.children(recursive=True)))
    except psutil.Error:
        return 0


def most_private(process: int) -> int:
    """Peak of private memory, bytes: that of all memory, which Linux keeps, less what is not private now.

    Private memory itself has no peak in Linux, and what a step of training takes and gives back is over before one
    looks. What was mapped at the peak and is no more, some cases of a small cohort, counts too.
    """
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0  # it has ended
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith("Vm")}
    return 1024 * (kib["VmPeak"] - kib["VmSize"] + kib["VmData"]) if kib else 0


def write_study(folder: Path, cases: int) -> Path:
    folder.mkdir()
    write_project(folder)
    for path in (folder / "raw").rglob("*.nii.gz"):
        path.unlink()
    for index in range(cases):
        rng = np.random.default_rng(index)
        image = rng.integers(-300, 300, (8, 8, 8)).repeat(8, 0).repeat(8, 1).repeat(8, 2).astype(np.float32)
        write_case(folder / "raw", f"c{index:03d}", image, box(SHAPE))
    small = ("generators.dcgan.generator.width=4", "generators.dcgan.discriminator.width=4", "runtime.workers=2")
    shape = f"prepare.shape={list(SHAPE)}".replace(" ", "")
    code, message = finish(folder, "compose", "study=small", shape, "segmenters.unet.train.batch_size=1", *small)
    assert code == 0, message
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits private memory")
def test_a_cohort_may_be_larger_than_the_memory_of_the_stages_that_train_and_draw(tmp_path: Path) -> None:
    assert MANY * np.prod(SHAPE) * 4 >= 3 * ROOM
    few, many = write_study(tmp_path / "few", FEW), write_study(tmp_path / "many", MANY)
    for words in STAGES:
        needed = peak_data(few, words, None)
        took = peak_data(many, words, needed + ROOM)
        print(f"{words[0]}: {needed >> 20} MiB for {FEW} cases, {took >> 20} MiB for {MANY}")
    drawn = (many / "out/small/synthetic/dcgan/development/manifest.csv").read_text().splitlines()
    assert len(drawn) > MANY / 2
