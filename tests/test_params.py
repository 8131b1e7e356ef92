"""params.yaml: composed once, read by stages that see only what DVC tracks for them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from synthtrial.cohorts.case import build_reader
from synthtrial.composing import compose, study_names, write_params
from synthtrial.errors import ConfigError
from synthtrial.params import build, load_params, params_hash, stage_params, tracked_keys

REPOSITORY = Path(__file__).resolve().parents[1]
CONF = REPOSITORY / "conf"


@pytest.fixture
def in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of the test's own, with a copy of conf/."""
    shutil.copytree(CONF, tmp_path / "conf")
    shutil.copy(REPOSITORY / "dvc.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("study", study_names(CONF))
def test_every_study_composes_fully(study: str) -> None:
    params, files = compose([f"study={study}"], CONF)
    assert params["study"]["name"] == study
    assert CONF / "study" / f"{study}.yaml" in files
    for arm in params["arms"].values():
        assert set(arm.get("synthetic", {})) <= set(params["draw_names"])
    reader = build_reader(params["cohort"])
    for generator in params["generators"].values():
        stacked = generator["representation"]["_target_"].endswith(("ZConcat", "Interleave", "ImageOnly"))
        has_mask_channels = bool(reader.labels) and not stacked
        assert (generator["image_channels"] > reader.channels) == has_mask_channels
        assert all(
            made >= asked for made, asked in zip(generator["image_size"], params["prepare"]["shape"], strict=True)
        )


@pytest.mark.parametrize("study", study_names(CONF))
def test_every_study_file_opens_with_its_command_cost_and_expectation(study: str) -> None:
    header = (CONF / "study" / f"{study}.yaml").read_text().partition("defaults:")[0]
    assert f"make study STUDY={study}" in header or study == "demo" and "make study" in header
    assert "Cost:" in header and "Expect:" in header


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["study=dmeo"], "did you mean 'demo'"),
        ([], "which study"),
        (["study=demo", "trainer=tpu"], "there are: auto, cpu, ddp, ddp_multinode, gpu"),
        (["study=demo", "prepare.spacing=2"], "spacing_mm"),
        (["study=demo", "generators.dcgan.train.image=2"], "did you mean 'images'"),
        (["study=demo", "synthesis.copy_limit=0.05"], "copy_limit: expected a number from 0.1 to 1"),
        (["study=demo", "fidelity.amounts=[0.5,-0.5]"], "fidelity.amounts: expected a number at least 0.001"),
        (["study=demo", "synthesis=gated", "synthesis.distance_gate.of=all"], "expected one of batch, cohort"),
    ],
)
def test_a_wrong_word_is_answered_with_what_exists(words: list[str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        compose(words, CONF)


def test_params_file_is_refused_once_its_conf_files_change(in_tmp: Path) -> None:
    write_params(["study=demo"], Path("conf"), Path("params.yaml"))
    assert load_params().study.name == "demo"
    study = in_tmp / "conf/study/demo.yaml"
    study.write_text(study.read_text() + "\n# changed\n")
    with pytest.raises(ConfigError, match="python pipelines/compose.py study=demo"):
        load_params()


def test_a_file_that_another_one_starts_from_counts_as_used(in_tmp: Path) -> None:
    write_params(["study=smoke", "synthesis=gated"], Path("conf"), Path("params.yaml"))
    with Path("conf/synthesis/default.yaml").open("a") as file:
        file.write("# another thought\n")
    with pytest.raises(ConfigError, match="older than conf/"):
        load_params()


def test_a_gate_by_features_of_whole_cases_is_refused_before_anything_runs(in_tmp: Path) -> None:
    Path("conf/fidelity/features/whole.yaml").write_text("_target_: synthesis.test_distance_gate.WholeCases")
    words = ["study=smoke", "synthesis=gated", "fidelity/features@synthesis.distance_gate.features=whole"]
    with pytest.raises(ConfigError, match="synthesis.distance_gate.features: whole needs whole cases"):
        compose(words, Path("conf"))


def test_a_change_of_a_file_the_study_does_not_use_is_no_matter(in_tmp: Path) -> None:
    write_params(["study=demo"], Path("conf"), Path("params.yaml"))
    (in_tmp / "conf/trainer/gpu.yaml").write_text("accelerator: gpu\n")
    assert load_params().study.name == "demo"


def test_missing_and_foreign_params_files_are_refused(in_tmp: Path) -> None:
    with pytest.raises(ConfigError, match="compose.py"):
        load_params()
    Path("params.yaml").write_text("study: {name: demo}\n")
    with pytest.raises(ConfigError, match="was not written by"):
        load_params()


def test_a_stage_sees_only_what_dvc_tracks_for_it(in_tmp: Path) -> None:
    write_params(["study=demo"], Path("conf"), Path("params.yaml"))
    params = stage_params("train_gan", generator="dcgan", split="development")
    assert set(params.generators) == {"dcgan"}
    assert params.study.name == "demo"
    with pytest.raises(OmegaConfBaseException):
        params.cohort  # noqa: B018


def test_extra_words_change_a_value_and_unknown_ones_are_refused(in_tmp: Path) -> None:
    write_params(["study=demo"], Path("conf"), Path("params.yaml"))
    assert stage_params("prepare", ["study.seed=7"]).study.seed == 7
    assert load_params(["runtime.workers=2"]).runtime.workers == 2
    with pytest.raises(ConfigError, match="did you mean 'seed'"):
        load_params(["study.sed=7"])
    with pytest.raises(ConfigError, match="not a setting"):
        load_params(["study.seed"])


def test_a_stage_refuses_a_place_that_the_study_does_not_have(in_tmp: Path) -> None:
    write_params(["study=demo"], Path("conf"), Path("params.yaml"))
    with pytest.raises(ConfigError, match="no generator 'stylegan'; there are: dcgan"):
        stage_params("train_gan", generator="stylegan", split="development")


def test_tracked_keys_fill_in_the_matrix_item() -> None:
    keys = tracked_keys("train_gan", {"generator": "hagan", "split": "development"}, REPOSITORY / "dvc.yaml")
    assert "generators.hagan" in keys


def test_hash_ignores_what_cannot_change_a_result() -> None:
    params = OmegaConf.create({"study": {"seed": 1}, "runtime": {"workers": 1}, "tracking": {}})
    other = OmegaConf.create({"study": {"seed": 1}, "runtime": {"workers": 8}, "tracking": {"uri": "x"}})
    changed = OmegaConf.create({"study": {"seed": 2}, "runtime": {"workers": 1}, "tracking": {}})
    assert params_hash(params) == params_hash(other) != params_hash(changed)


def test_build_names_the_keys_that_a_target_has() -> None:
    with pytest.raises(ConfigError, match="Fraction has no key 'b'; it has .*numerator"):
        build({"_target_": "fractions.Fraction", "b": 1})
    with pytest.raises(ConfigError, match="can't be imported"):
        build({"_target_": "synthtrial.nowhere.Thing"})
