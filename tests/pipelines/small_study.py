"""A study of small NIfTI volumes that the tests of bad input write for themselves, and the scripts that run it."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]

STUDY = """# @package _global_
defaults:
  - /cohort: nifti_pairs
  - /prepare: default
  - /generator@generators.dcgan: dcgan
  - /segmenter@segmenters.unet: unet
  - override /trainer: cpu
  - override /tracking: 'off'
  - _self_
study: {name: small, title: A small study, seed: 1}
cohort: {root: raw}
prepare: {spacing_mm: null, shape: [16, 16, 16], window: {low: -500, high: 500}, folds: 3}
runtime: {workers: 1, threads: 1}
synthesis: {min_lesion_voxels: 0, threshold: -1.0, components: null}
generators:
  dcgan:
    train: {images: 8, batch_size: 4, checkpoint_every: 4, log_every: 4}
segmenters:
  unet:
    network: {channels: [4, 8], strides: [2]}
    train: {steps: 4, batch_size: 2, validate_every: 2}
arms:
  real: {real: 1.0, synthetic: {}}
  mixed: {real: 1.0, synthetic: {dcgan: 1.0}}
"""

SHAPE = (16, 17, 18)


def copy_project(folder: Path) -> None:
    """Copy what a study needs of the repository into a folder: conf/, pipelines/, dvc.yaml and .dvcignore."""
    for name in ("conf", "pipelines"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", ".dvcignore"):
        shutil.copy(REPOSITORY / name, folder / name)


def write_project(folder: Path) -> None:
    """Copy the project, and write eight cases, into a folder."""
    copy_project(folder)
    (folder / "conf/study/small.yaml").write_text(STUDY)
    for index in range(8):
        write_case(folder / "raw", f"c{index}")


def write_case(root: Path, case_id: str, image: np.ndarray | None = None, mask: np.ndarray | None = None, **to) -> None:
    """Write one case; noise with a box-shaped lesion unless told otherwise. `affine` is that of the mask."""
    if image is None:
        image = np.random.default_rng(list(case_id.encode())).normal(0, 100, SHAPE).astype(np.float32)
    if mask is None:
        mask = box(SHAPE)
    for kind, array, affine in (("images", image, np.eye(4)), ("labels", mask, to.get("affine", np.eye(4)))):
        path = root / kind / f"{case_id}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(array, affine), path)


def box(shape: tuple[int, ...]) -> np.ndarray:
    """A mask with a box of label 1."""
    mask = np.zeros(shape, np.uint8)
    mask[tuple(slice(4, 10) for _ in shape)] = 1
    return mask


def script(name: str, *words: str) -> int:
    """Run a pipeline script of the working directory in this process; return its exit code."""
    argv, sys.argv = sys.argv, [name, *words]
    try:
        runpy.run_path(f"pipelines/{name}.py", run_name="__main__")
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.argv = argv
    return 0


def start(folder: Path, name: str, *words: str) -> subprocess.Popen[str]:
    """Start a pipeline script as a process of its own."""
    command = [sys.executable, f"pipelines/{name}.py", *words]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=folder, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, **streams)


def finish(folder: Path, name: str, *words: str) -> tuple[int, str]:
    """Run a pipeline script as a process of its own; return its exit code and what it said on stderr."""
    with start(folder, name, *words) as process:
        try:
            message = process.communicate(timeout=300)[1]
        finally:
            process.kill()
    return process.returncode, message
