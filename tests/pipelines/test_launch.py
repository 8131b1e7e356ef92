"""A whole study launched in pieces, by real jobs of submitit on this machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from small_study import finish, script, start, write_project

LOCAL = ("launcher=local", "launcher.at_once=2")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study that is composed, with DVC ready; nothing has run."""
    folder = tmp_path_factory.mktemp("project")
    write_project(folder)
    assert finish(folder, "compose", "study=small")[0] == 0
    for words in (["git", "init", "-q"], ["dvc", "init", "-q"]):
        subprocess.run(words, cwd=folder, check=True, timeout=60)
    return folder


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def workers(folder: Path, word: str) -> list[psutil.Process]:
    """Processes of a project's folder whose script's name holds a word."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder) and any(word in part for part in process.cmdline()[1:2]):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["launcher=slurn"], "unknown launcher 'slurn'; there are: local, none, slurm (did you mean 'slurm'?)"),
        (["launcher.cpu=2"], "unknown key 'launcher.cpu'"),
        (["launcher.cpus=all"], "launcher.cpus: expected a whole number"),
        (["study.seed=2"], "'study.seed=2' can't be set here"),
        (["trian_gan"], "unknown stage 'trian_gan'"),
        (
            ["launcher=local", "launcher.timeout_min=1", "launcher.warning_s=60"],
            "launcher.warning_s: 60 s before the end",
        ),
        (["launcher=local", "launcher.gpus=99"], "launcher.gpus=99: torch finds"),
    ],
)
def test_a_wrong_word_is_refused_before_anything_runs(
    words: list[str], says: str, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    assert script("launch", *words) == 1
    assert says in capsys.readouterr().err
    assert not (project / "out").exists()


@pytest.mark.skipif(shutil.which("sbatch") is not None, reason="this machine has Slurm")
def test_slurm_where_there_is_none_is_one_sentence(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    assert script("launch", "launcher=slurm") == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.slow
def test_a_launched_study_equals_one_that_was_not_launched(project: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    shutil.copytree(project, plain, symlinks=True)
    subprocess.run(["dvc", "repro", "-q", "segment"], cwd=plain, check=True, timeout=600, stdin=subprocess.DEVNULL)
    code, said = finish(project, "launch", "segment", *LOCAL)
    assert code == 0, said
    ours, theirs = project / "out/small", plain / "out/small"
    for path in ("segment/real/unet/cases.csv", "segment/mixed/unet/cases.csv", "models/dcgan/development/losses.csv"):
        assert (ours / path).read_bytes() == (theirs / path).read_bytes(), path
    pieces = {path.name for path in (ours / "jobs").iterdir()}
    models = {f"segment-{arm}-unet-fold{fold}-repeat0" for arm in ("real", "mixed") for fold in range(3)}
    assert models | {"train_gan-dcgan-development"} <= pieces
    # Nothing is left: no piece is submitted again.
    shutil.rmtree(ours / "jobs")
    assert finish(project, "launch", "segment", *LOCAL)[0] == 0
    assert {path.name for path in (ours / "jobs").iterdir()} == {"dvc-repro-segment"}


@pytest.mark.slow
def test_only_the_missing_models_are_trained_and_a_killed_launch_goes_on(project: Path) -> None:
    out = project / "out/small"
    before = (out / "segment/real/unet/cases.csv").read_bytes()
    shutil.rmtree(out / "jobs")
    (lost,) = out.glob("checkpoints/segment-real-unet/fold1-repeat0-*")
    shutil.rmtree(lost)
    shutil.rmtree(out / "segment/real")
    with start(project, "launch", "segment", *LOCAL) as launch:
        wait_for(lambda: bool(workers(project, "segment.py")))
        launch.kill()
    assert workers(project, "segment.py"), "the job ended with its launch"
    code, said = finish(project, "launch", "segment", *LOCAL)
    assert code == 0, said
    assert (out / "segment/real/unet/cases.csv").read_bytes() == before
    pieces = [path for path in (out / "jobs").iterdir() if path.name.startswith("segment-")]
    assert [path.name for path in pieces] == ["segment-real-unet-fold1-repeat0"]
    assert len(list(pieces[0].glob("*_submitted.pkl"))) == 1, "the job was found again, not submitted again"


@pytest.mark.slow
def test_a_generator_that_is_killed_goes_on_from_its_checkpoint(project: Path) -> None:
    settings = ("generators.dcgan.train.images=400", "generators.dcgan.train.checkpoint_every=8")
    assert finish(project, "compose", "study=small", *settings)[0] == 0
    checkpoint = project / "out/small/checkpoints/train_gan-dcgan-development/last.ckpt"
    old = checkpoint.stat().st_mtime_ns
    with start(project, "launch", "train_gan", *LOCAL) as launch:
        wait_for(lambda: checkpoint.is_file() and checkpoint.stat().st_mtime_ns != old)
        (worker,) = workers(project, "train_gan.py")
        begun = (checkpoint.parent / "training.json").stat().st_mtime_ns
        os.kill(worker.pid, signal.SIGKILL)
        assert launch.wait(timeout=300) == 0
    jobs = project / "out/small/jobs/train_gan-dcgan-development"
    assert len(list(jobs.glob("*_submitted.pkl"))) >= 2
    # A training that starts anew writes this file again.
    assert (checkpoint.parent / "training.json").stat().st_mtime_ns == begun
    assert finish(project, "train_gan", "dcgan")[0] == 0


@pytest.mark.slow
def test_a_failing_piece_is_told_with_its_log(project: Path) -> None:
    settings = ("segmenters.unet.network.channels=[4,8,16,32,64,128]", "segmenters.unet.network.strides=[2,2,2,2,2]")
    assert finish(project, "compose", "study=small", *settings)[0] == 0
    code, said = finish(project, "launch", "segment", *LOCAL)
    assert code == 1
    assert "6 of 6 jobs failed" in said
    assert "segment-real-unet-fold0-repeat0 failed (exit code 1); its log is" in said
    assert "Traceback" not in said
