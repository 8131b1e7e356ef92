"""Sweeps that can't be are refused by one sentence and exit code 1, before anything is run or written."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from cheap import tune, write_project

from servers import free_port

STUDY = ("study=smoke", "tracking=off")
SMALL = "sampler: {kind: grid}\nobjectives: [{metric: frechet/random_conv}]\ngenerator: dcgan\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    write_project(folder)
    sweeps = {
        "no_such_key": SMALL + "space: {generators.dcgan.lr_gen: {values: [1.0e-4]}}",
        "shared_key": SMALL + "space: {prepare.folds: {values: [2, 3]}}",
        "no_such_value": SMALL + "space: {generators.dcgan.train.batch_size: {values: [8, 0]}}",
        "range_in_grid": SMALL + "space: {generators.dcgan.lr_g: {low: 1.0e-5, high: 1.0e-3}}",
        "equal_values": SMALL + "space: {generators.dcgan.latent: {values: [8, 8]}}",
        "no_such_generator": SMALL.replace("dcgan", "dcgam") + "space: {generators.dcgan.latent: {values: [8]}}",
    }
    for name, text in sweeps.items():
        (folder / f"conf/sweep/{name}.yaml").write_text(text)
    return folder


def refused(project: Path, *words: str) -> str:
    """What a refused command says: one line, and nothing is left of it."""
    code, said, problems = tune(project, *words, *STUDY)
    assert code == 1 and not said and problems.count("\n") == 1, said + problems
    assert problems.startswith("error: ") and problems.count("error:") == 1
    assert not (project / "out").exists() or not list((project / "out").rglob("points"))
    return problems


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["cheep"], ["unknown sweep 'cheep'", "did you mean 'cheap'?"]),
        (
            ["dcgan_tpe", "sweep.objectives=[{metric: frechet/random_con}]"],
            [
                "unknown metric 'frechet/random_con'",
                "did you mean 'frechet/random_conv'?",
                "ms_ssim, each with /pixels",
            ],
        ),
        (["no_such_key"], ["unknown key 'generators.dcgan.lr_gen'", "did you mean 'lr_g'?"]),
        (["shared_key"], ["prepare.folds can't be tuned"]),
        (["no_such_value"], ["batch_size must be at least 1, not 0"]),
        (["range_in_grid"], ["generators.dcgan.lr_g is a range, and a grid needs `values`"]),
        (["equal_values"], ["must be different values"]),
        (["no_such_generator"], ["has no generator 'dcgam'; there are: dcgan"]),
        (["cheap", "sweep.retires=2"], ["unknown key 'retires'", "did you mean 'retries'?"]),
        (["cheap", "sweep.storage=somewhere"], ["'somewhere' is none of sqlite:///PATH, journal:PATH"]),
        (["cheap", "sweep.storage=journal:/proc/none/journal"], ["journal:/proc/none/journal does not answer"]),
        (["dcgan_tpe", "sweep.sampler.settings.n_startup=5"], ["unknown key 'sampler.settings.n_startup'"]),
        (["dcgan_tpe", "sweep.sampler={settings: {n_start: 5}}"], ["sampler.settings", "n_start"]),
        (["cheap", "--best"], ["--best", "names no `generator`"]),
        (["cheap", "--workers", "0"], ["--workers must be at least 1"]),
    ],
)
def test_one_sentence_says_what_is_wrong(project: Path, words: list[str], says: list[str]) -> None:
    problem = refused(project, *words)
    for part in says:
        assert part in problem


@pytest.mark.skipif(torch.accelerator.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_here_is_refused_before_any_point(project: Path) -> None:
    assert "trainer.accelerator is gpu, but torch finds none here" in refused(project, "dcgan_tpe", "trainer=gpu")


def test_a_server_that_does_not_answer_is_refused(project: Path) -> None:
    pytest.importorskip("psycopg")
    problem = refused(
        project, "dcgan_tpe", f"sweep.storage=postgresql+psycopg://me:secret@127.0.0.1:{free_port()}/name"
    )
    assert "postgresql+psycopg://me:***@127.0.0.1" in problem and "does not answer" in problem
    assert "secret" not in problem
