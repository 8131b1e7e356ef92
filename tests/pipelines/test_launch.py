"""A whole study launched in pieces, by real jobs of submitit on this machine."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from small_study import finish, script, start, write_project

from started import processes_in

STUDY = ("study=small", "prepare.folds=2")
LOCAL = ("launcher=local", "launcher.at_once=2")
MODELS = {f"segment-{arm}-unet-fold{fold}-repeat0" for arm in ("real", "mixed") for fold in range(2)}
PATIENCE_S = 900
"""What a launch may take on a busy machine, s: it starts some twenty processes, most of which import torch."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study that is composed, with DVC ready; nothing has run."""
    folder = tmp_path_factory.mktemp("project")
    write_project(folder)
    assert finish(folder, "compose", *STUDY)[0] == 0
    for words in (["git", "init", "-q"], ["dvc", "init", "-q"]):
        subprocess.run(words, cwd=folder, check=True, timeout=60)
    return folder


@pytest.fixture(scope="module")
def launched(project: Path) -> Path:
    """The study, launched as far as its models."""
    code, said = launch("segment", folder=project)
    assert code == 0, said
    return project


def launch(*words: str, folder: Path) -> tuple[int, str]:
    """Launch to the end; return the exit code and all that was said."""
    with start(folder, "launch", *words, *LOCAL) as process:
        try:
            said = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
    return process.returncode, "".join(said)


def wait_for(condition: Callable[[], bool], launch: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline and launch.poll() is None, "it did not come"
        time.sleep(0.02)


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
def test_a_launched_study_equals_one_that_was_not_launched(launched: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    shutil.copytree(launched, plain, symlinks=True, ignore=shutil.ignore_patterns("out", "dvc.lock", "cache", "tmp"))
    words = ["dvc", "repro", "-q", "segment"]
    subprocess.run(words, cwd=plain, check=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL)
    ours, theirs = launched / "out/small", plain / "out/small"
    for path in (
        "models/dcgan/development/losses.csv",
        "arms/mixed.csv",
        "segment/real/unet/cases.csv",
        "segment/mixed/unet/cases.csv",
    ):
        assert (ours / path).read_bytes() == (theirs / path).read_bytes(), path
    assert MODELS | {"train_gan-dcgan-development"} <= {path.name for path in (ours / "jobs").iterdir()}


@pytest.mark.slow
def test_a_second_launch_finds_nothing_to_do(launched: Path) -> None:
    jobs = launched / "out/small/jobs"
    before = sorted(jobs.rglob("*"))
    code, said = launch("segment", folder=launched)
    assert code == 0 and "nothing to do" in said
    assert sorted(jobs.rglob("*")) == before


@pytest.mark.slow
def test_only_the_missing_models_are_trained_and_a_killed_launch_goes_on(launched: Path) -> None:
    out = launched / "out/small"
    before = (out / "segment/real/unet/cases.csv").read_bytes()
    shutil.rmtree(out / "jobs")
    (lost,) = out.glob("checkpoints/segment-real-unet/fold1-repeat0-*")
    shutil.rmtree(lost)
    shutil.rmtree(out / "segment/real")
    with start(launched, "launch", "segment", *LOCAL) as first:
        wait_for(lambda: bool(processes_in(launched, "pipelines/segment.py")), first)
        first.kill()
    assert processes_in(launched, "pipelines/segment.py"), "the job ended with its launch"
    code, said = launch("segment", folder=launched)
    assert code == 0, said
    assert (out / "segment/real/unet/cases.csv").read_bytes() == before
    pieces = [path for path in (out / "jobs").iterdir() if path.name.startswith("segment-")]
    assert [path.name for path in pieces] == ["segment-real-unet-fold1-repeat0"]
    assert len(list(pieces[0].glob("*_submitted.pkl"))) == 1, "the job was found again, not submitted again"


@pytest.mark.slow
def test_a_failing_piece_is_told_with_its_log(launched: Path) -> None:
    settings = ("segmenters.unet.network.channels=[4,8,16,32,64,128]", "segmenters.unet.network.strides=[2,2,2,2,2]")
    assert finish(launched, "compose", *STUDY, *settings)[0] == 0
    code, said = launch("segment", folder=launched)
    assert code == 1
    assert "4 of 4 jobs failed" in said
    assert "segment-real-unet-fold0-repeat0 failed (exit code 1); its log is" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_generator_that_is_preempted_goes_on_from_its_checkpoint(project: Path) -> None:
    settings = ("generators.dcgan.train.images=400", "generators.dcgan.train.checkpoint_every=8")
    assert finish(project, "compose", *STUDY, *settings)[0] == 0
    out = project / "out/small"
    folder = out / "checkpoints/train_gan-dcgan-development"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(out / "jobs", ignore_errors=True)
    with start(project, "launch", "train_gan", *LOCAL) as launch:
        wait_for(lambda: (folder / "last.ckpt").is_file(), launch)
        begun = (folder / "training.json").stat().st_mtime_ns
        (worker,) = processes_in(project, "pipelines/train_gan.py")
        worker.parent().send_signal(signal.SIGUSR2)  # as Slurm tells a job that it is preempted
        assert launch.wait(timeout=PATIENCE_S) == 0
    (log,) = (out / "jobs/train_gan-dcgan-development").glob("*_log.out")
    assert "this job is preempted" in log.read_text() and log.read_text().count("Starting with JobEnvironment") == 2
    # A training that starts anew writes this file again.
    assert (folder / "training.json").stat().st_mtime_ns == begun
    assert json.loads((out / "models/dcgan/development/model.json").read_text())["images_seen"] == 400
