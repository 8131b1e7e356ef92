"""Whole sweeps of a cheap objective: what is written, what is printed, and how the same command goes on."""

from __future__ import annotations

import re
import time
from pathlib import Path

import optuna
import pandas as pd
import pytest
import yaml
from cheap import REPOSITORY, start_tune, tune, write_project

from synthtrial.composing import write_params
from synthtrial.tuning.storage import open_storage

STUDY = ("study=smoke", "tracking=off")
FOUR = (
    ("lr_g: {values: [1.0e-4, 2.0e-4, 3.0e-4]}", "lr_g: {values: [1.0e-4, 2.0e-4]}"),
    ("lr_d: {values: [2.0e-4, 3.0e-4, 4.0e-4]}", "lr_d: {values: [3.0e-4]}"),
    ("latent: {values: [8, 16, 32]}", "latent: {values: [8, 16]}"),
    ("seconds: 0.3", "seconds: 0.0"),
    ("space:", "generator: dcgan\nspace:"),
)
"""Makes a grid of four points of the cheap sweep: lr_g 1e-4 and 2e-4 (best), latent 8 and 16 (best)."""
FAILING = ("objective_of_test.bowl", "objective_of_test.bowl_without_8")
RANGES = (
    ("lr_g: {values: [1.0e-4, 2.0e-4]}", "lr_g: {low: 1.0e-5, high: 1.0e-3, log: true}"),
    ("lr_d: {values: [3.0e-4]}", "lr_d: {low: 1.0e-4, high: 5.0e-4}"),
    ("latent: {values: [8, 16]}", "latent: {low: 8, high: 32, step: 8}"),
)


def table(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "out/smoke/sweeps/cheap/table.csv", dtype={"point": str})


def evaluations(folder: Path) -> int:
    return len((folder / "calls.log").read_text().splitlines())


def studies(folder: Path) -> dict[str, optuna.Study]:
    """The versions of the sweep in its storage, by their names' last part."""
    storage = open_storage(f"sqlite:///{folder}/out/smoke/sweeps/cheap/optuna.db")
    names = optuna.get_all_study_names(storage)
    return {name.rpartition("/")[2]: optuna.load_study(study_name=name, storage=storage) for name in names}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A grid that two workers have run to its end, and what the command printed."""
    folder = tmp_path_factory.mktemp("done")
    write_project(folder, None, *FOUR)
    code, said, problems = tune(folder, "cheap", *STUDY, "--workers", "2", "--best")
    assert code == 0 and not problems, said + problems
    return folder, said


def test_the_table_has_a_row_per_point_and_marks_the_best(done: tuple[Path, str]) -> None:
    folder, said = done
    rows = table(folder)
    assert list(rows["point"]) == ["1", "2", "3", "4"] and set(rows["state"]) == {"complete"}
    (best,) = rows[rows["best"]].to_dict("records")
    assert (best["generators.dcgan.lr_g"], best["generators.dcgan.latent"]) == (2e-4, 16)
    assert evaluations(folder) == 4
    figures = {path.name for path in (folder / "out/smoke/sweeps/cheap").glob("*.png")}
    assert figures == {"slices.png", "importance.png"}
    printed = [line.split() for line in said.splitlines() if "*" in line]
    assert [line[:5] for line in printed] == [["4", "*", "0.0002", "0.0003", "16"]]


def test_optunas_grid_sampler_knows_that_the_grid_is_done(done: tuple[Path, str]) -> None:
    (study,) = studies(done[0]).values()
    space = {"generators.dcgan.lr_g": [1e-4, 2e-4], "generators.dcgan.lr_d": [3e-4], "generators.dcgan.latent": [8, 16]}
    sampler = optuna.samplers.GridSampler(space)
    assert sampler.is_exhausted(study)
    for trial in study.trials:  # it would give each trial the same parameters
        for name, distribution in trial.distributions.items():
            assert sampler.sample_independent(study, trial, name, distribution) == trial.params[name]
    assert not optuna.samplers.GridSampler(space | {"generators.dcgan.latent": [8, 16, 32]}).is_exhausted(study)


def test_a_study_composes_with_the_best_settings(done: tuple[Path, str]) -> None:
    folder, said = done
    assert "the best point: conf/generator/dcgan_best.yaml" in said
    study = (folder / "conf/study/smoke.yaml").read_text()
    study = study.replace("/generator@generators.dcgan: dcgan", "/generator@generators.dcgan: dcgan_best")
    (folder / "conf/study/tuned.yaml").write_text(study.replace("name: smoke", "name: tuned"))
    write_params(["study=tuned"], folder / "conf", folder / "params.yaml")
    generator = yaml.safe_load((folder / "params.yaml").read_text())["generators"]["dcgan"]
    assert (generator["lr_g"], generator["lr_d"], generator["latent"]) == (2e-4, 3e-4, 16)


def test_a_finished_sweep_runs_nothing_again_and_a_changed_space_begins_a_new_study(done: tuple[Path, str]) -> None:
    folder, _ = done
    (old,) = studies(folder)
    code, said, _ = tune(folder, "cheap", *STUDY)
    assert code == 0 and "4 points, 0 to do" in said and "a new study" not in said
    assert evaluations(folder) == 4
    path = folder / "conf/sweep/cheap.yaml"
    path.write_text(path.read_text().replace("latent: {values: [8, 16]}", "latent: {values: [32]}"))
    code, said, _ = tune(folder, "cheap", *STUDY)
    assert code == 0 and "a new study begins" in said and f"the old ones are kept: {old}" in said
    assert evaluations(folder) == 6 and len(table(folder)) == 2
    versions = studies(folder)
    assert len(versions) == 2 and len(versions[old].trials) == 4


@pytest.mark.slow
def test_a_failing_point_is_tried_as_often_as_said_and_reported(tmp_path: Path) -> None:
    write_project(tmp_path, None, *FOUR, FAILING)
    code, said, problems = tune(tmp_path, "cheap", *STUDY, "sweep.retries=1")
    assert code == 1 and evaluations(tmp_path) == 2 * 2 + 2
    assert problems.count("\n") == 1 and problems.count("error:") == 1, problems
    assert "2 of 4 points failed after 2 tries each: 1, 3" in problems and "eight is too few" in problems
    assert "Traceback" not in said
    rows = table(tmp_path).set_index("point")
    assert dict(rows["state"]) == {"1": "failed", "2": "complete", "3": "failed", "4": "complete"}
    assert list(rows["tries"]) == [2, 1, 2, 1]
    assert tune(tmp_path, "cheap", *STUDY, "sweep.retries=1")[0] == 1 and evaluations(tmp_path) == 6
    assert tune(tmp_path, "cheap", *STUDY, "sweep.retries=2")[0] == 1 and evaluations(tmp_path) == 8


@pytest.mark.parametrize("kind", ["random", "tpe", "nsga2"])
@pytest.mark.slow
def test_samplers_try_as_many_points_as_said(tmp_path: Path, kind: str) -> None:
    aims = "objectives: [{metric: bowl}, {metric: latent, direction: maximize}]"
    changes = [*RANGES, ("kind: grid", f"kind: {kind}"), ("objectives: [{metric: bowl, direction: minimize}]", aims)]
    write_project(tmp_path, None, *FOUR, *changes)
    code, said, problems = tune(tmp_path, "cheap", *STUDY, "sweep.trials=5", "--workers", "2")
    assert code == 0 and not problems, said + problems
    rows = table(tmp_path)
    assert len(rows) == 5 and set(rows["state"]) == {"complete"} and evaluations(tmp_path) == 5
    assert rows["generators.dcgan.lr_g"].between(1e-5, 1e-3).all() and rows["generators.dcgan.lr_g"].nunique() == 5
    assert rows["generators.dcgan.latent"].isin([8, 16, 24, 32]).all()
    assert (tmp_path / "out/smoke/sweeps/cheap/pareto.png").is_file()
    front = rows[rows["best"]].sort_values("bowl")
    assert len(front) and front["latent"].is_monotonic_increasing
    code, said, _ = tune(tmp_path, "cheap", *STUDY, "sweep.trials=6")  # one more goes on with the same study
    assert code == 0 and "6 points, 1 to do" in said and evaluations(tmp_path) == 6


@pytest.mark.slow
def test_another_version_is_refused_while_one_runs_and_changed_settings_stop_it(tmp_path: Path) -> None:
    write_project(tmp_path, None, *FOUR, ("seconds: 0.0", "seconds: 5.0"))
    with start_tune(tmp_path, "cheap", *STUDY) as leader:
        try:
            (version,) = wait_for_trials(tmp_path, 1)
            changed = "sweep.objectives=[{metric: bowl, direction: maximize}]"
            code, said, problems = tune(tmp_path, "cheap", *STUDY, changed)
            assert code == 1 and not said and problems.count("\n") == 1
            assert f"({version}, here" in problems and "two versions are not mixed" in problems
            wait_for_trials(tmp_path, 1)
            study = tmp_path / "conf/study/smoke.yaml"
            study.write_text(study.read_text() + "# a word\n")
            _, problems = leader.communicate(timeout=300)
        finally:
            leader.kill()
    assert leader.returncode == 1 and "conf/ has changed while the sweep ran" in problems
    assert not [t for t in studies(tmp_path)[version].trials if t.user_attrs.get("end", "").startswith("failed")]
    assert tune(tmp_path, "cheap", *STUDY)[0] == 0, "no point was spoiled"


def wait_for_trials(folder: Path, count: int) -> dict[str, optuna.Study]:
    """Wait until so many trials run; the versions in the storage."""
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        if (folder / "out/smoke/sweeps/cheap/optuna.db").is_file():
            versions = studies(folder)
            running = [t for study in versions.values() for t in study.trials if t.state.name == "RUNNING"]
            if len(running) >= count:
                return versions
        time.sleep(0.1)
    raise AssertionError("no trial began")


@pytest.mark.parametrize("path", sorted((REPOSITORY / "conf/sweep").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_sweep_that_ships_suits_the_study_that_it_names(path: Path, tmp_path: Path) -> None:
    from synthtrial.tuning.sweep import load_sweep

    found = re.search(r"^#\s+python pipelines/tune.py (\S+) (.*)$", path.read_text(), re.MULTILINE)
    assert found and found[1] == path.stem, "its head tells the command that runs it"
    words = [word for word in found[2].split() if "=" in word]
    folders = {"conf": REPOSITORY / "conf", "pipelines": REPOSITORY / "pipelines", "root": tmp_path}
    sweep = load_sweep(path.stem, words, **folders)
    assert len(sweep.points) > 1 and not list(tmp_path.iterdir())
