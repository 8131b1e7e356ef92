"""Stages killed without warning: nothing half-written in their place, and running again ends as if nothing had been."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_study import box, copy_project, finish, start, write_case, write_project

from processes import alive

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that has come as far as the arms, with cases large enough to be met at work."""
    folder = tmp_path_factory.mktemp("project")
    write_project(folder)
    shape = (64, 64, 64)
    for index in range(8):
        image = np.random.default_rng(index).normal(0, 100, shape).astype(np.float32)
        write_case(folder / "raw", f"c{index}", image, box(shape))
    settings = ("prepare.spacing_mm=[0.6,0.6,0.6]", "runtime.workers=2", "synthesis.per_real=20")
    assert finish(folder, "compose", "study=small", *settings, "segmenters.unet.train.steps=40")[0] == 0
    for stage in (["prepare"], ["train_gan", "dcgan"], ["synthesize", "dcgan"], ["assemble"], ["segment", "real"]):
        assert finish(folder, *stage)[0] == 0
    return folder


def kill(folder: Path, words: list[str], when: Callable[[], bool]) -> None:
    """Kill a script by SIGKILL as soon as a condition holds."""
    with start(folder, *words) as process:
        while not when():
            assert process.poll() is None, "the stage ended before it could be killed"
            time.sleep(0.002)
        process.kill()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("words", "result", "at_work"),
    [
        (["prepare"], "prepared", "checkpoints/prepare/files/images/*.npy"),
        (["synthesize", "dcgan"], "synthetic/dcgan/development", "synthetic/dcgan/.development.partial/images/*.nii"),
    ],
    ids=["prepare", "synthesize"],
)
def test_a_killed_stage_leaves_the_last_result_and_can_run_again(
    words: list[str], result: str, at_work: str, project: Path
) -> None:
    out = project / "out/small"
    before = contents(out / result)
    kill(project, words, lambda: any(out.glob(at_work)))
    assert contents(out / result) == before
    assert finish(project, *words)[0] == 0
    assert contents(out / result) == before
    assert not list(out.rglob("*.partial"))


def test_a_killed_prepare_goes_on_after_the_cases_that_it_finished(project: Path) -> None:
    out = project / "out/small"
    before = contents(out / "prepared")
    finished = out / "checkpoints/prepare/finished.jsonl"
    kill(project, ["prepare"], lambda: finished.is_file() and len(finished.read_text().splitlines()) > 2)
    kept = [line.partition('"case ')[2].partition('"')[0] for line in finished.read_text().splitlines()[1:]]
    written = [(out / f"checkpoints/prepare/files/images/{case_id}.npy").stat().st_mtime_ns for case_id in kept[:2]]
    code, message = finish(project, "prepare")
    assert code == 0 and "going on" in message
    assert contents(out / "prepared") == before
    assert [(out / f"prepared/images/{case_id}.npy").stat().st_mtime_ns for case_id in kept[:2]] == written
    assert not finished.parent.exists()


def test_a_killed_segmentation_goes_on_after_the_folds_that_it_finished(project: Path) -> None:
    out = project / "out/small"
    before = (out / "segment/real/unet/cases.csv").read_bytes()
    for folder in (out / "checkpoints/segment-real-unet", out / "segment"):
        folder.rename(folder.with_name("earlier"))
    kill(project, ["segment", "real"], lambda: any(out.glob("checkpoints/segment-real-unet/fold0-*/*")))
    assert not (out / "segment").exists()
    (first,) = out.glob("checkpoints/segment-real-unet/fold0-*/weights.safetensors")
    written = first.stat().st_mtime_ns
    assert finish(project, "segment", "real")[0] == 0
    assert first.stat().st_mtime_ns == written
    assert (out / "segment/real/unet/cases.csv").read_bytes() == before


CLASSES = """# @package _global_
defaults:
  - /cohort: phantom_ct_2d
  - /prepare: ct_lesion
  - /classifier@classifiers.cnn: cnn
  - override /trainer: cpu
  - override /tracking: 'off'
  - _self_
study: {name: classes, title: Classes, seed: 1}
cohort: {n_patients: 60, malignant: 0.4}
prepare: {spacing_mm: [6.0, 6.0], shape: [16, 16], folds: 3}
protocol: {metric: auroc, positive: malignant, threshold: youden}
classifiers: {cnn: {network: {body: {filters: [4, 4, 4]}, hidden: 4}, train: {steps: 200, validate_every: 50}}}
runtime: {workers: 1, threads: 1, fold_workers: 1}
arms: {real: {}}
"""


def test_a_killed_classification_goes_on_after_the_folds_that_it_finished(tmp_path: Path) -> None:
    copy_project(tmp_path)
    (tmp_path / "conf/study/classes.yaml").write_text(CLASSES)
    for words in (["compose", "study=classes"], ["prepare"], ["assemble"], ["classify", "real"]):
        assert finish(tmp_path, *words)[0] == 0
    out = tmp_path / "out/classes"
    told = [out / "classify/real/cnn" / name for name in ("cases.csv", "validation.csv", "curves.csv")]
    before = [path.read_bytes() for path in told]
    for folder in (out / "checkpoints/classify-real-cnn", out / "classify"):
        folder.rename(folder.with_name("earlier"))
    kill(tmp_path, ["classify", "real"], lambda: any(out.glob("checkpoints/classify-real-cnn/fold0-*/said-*/*.json")))
    assert not (out / "classify").exists()
    (first,) = out.glob("checkpoints/classify-real-cnn/fold0-*/model/weights.safetensors")
    written = first.stat().st_mtime_ns
    assert finish(tmp_path, "classify", "real")[0] == 0
    assert first.stat().st_mtime_ns == written
    assert [path.read_bytes() for path in told] == before


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="needs /proc")
@pytest.mark.parametrize(
    ("words", "at_work"),
    [
        (["prepare"], ".prepared.partial/images/*.npy"),
        (["segment", "mixed", "runtime.fold_workers=2"], "checkpoints/segment-mixed-unet/fold*/*"),
    ],
    ids=["prepare", "segment"],
)
def test_workers_end_with_the_process_that_was_killed(words: list[str], at_work: str, project: Path) -> None:
    out = project / "out/small"
    children: set[int] = set()

    def working() -> bool:
        children.update(descendants(os.getpid()))
        return any(out.glob(at_work))

    kill(project, words, working)
    deadline = time.monotonic() + 20
    while any(alive(child) for child in children):
        assert time.monotonic() < deadline, "a worker lives on"
        time.sleep(0.05)


def descendants(process: int) -> set[int]:
    """Ids of all processes that a process has started, and those that they have."""
    found: set[int] = set()
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, path.read_text().split()):
            found |= {child} | descendants(child)
    return found
