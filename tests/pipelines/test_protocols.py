"""Every protocol through conf/ and DVC: which stages there are, and, slowly, that they run to a verdict."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from dvc.repo import Repo
from small_study import REPOSITORY, copy_project, script

from synthtrial.composing import compose
from synthtrial.errors import ConfigError

BY_SITE = ("protocol=site_out", "prepare.split_by=site", "prepare.test_fraction=0", "prepare.folds=3")
SMALLEST = (
    "prepare.folds=3",
    "runtime.threads=1",
    "trainer=cpu",
    "tracking=off",
    "generators.dcgan.train.images=40",
    "generators.dcgan.train.checkpoint_every=40",
    "segmenters.unet.train.steps=4",
    "segmenters.unet.train.validate_every=2",
    "synthesis.threshold=-1",
    "synthesis.min_lesion_voxels=0",
)
"""Words that make the smallest study smaller, and keep every case of a generator that has learned nothing."""

PLAIN = """# @package _global_
defaults:
  - /cohort: phantom_ct_2d
  - /prepare: ct_lesion
  - /segmenter@segmenters.unet: unet
  - override /tracking: 'off'
  - override /trainer: cpu
  - _self_
study: {name: plain, title: No generators, seed: 1}
cohort: {n_patients: 20}
prepare: {spacing_mm: [3.0, 3.0], shape: [32, 32], folds: 3}
runtime: {workers: 1, threads: 1}
segmenters: {unet: {network: {channels: [8, 16], strides: [2]}, train: {steps: 4, batch_size: 4, validate_every: 2}}}
arms: {real: {real: 1.0}, half: {real: 0.5}, real_duplicated: {real: 1.0, duplicated: 1.0}}
"""

GATED = """# @package _global_
defaults:
  - smoke
  - /synthesis@draws.dcgan_gated: gated
  - _self_
study: {name: variants}
draws:
  dcgan_gated: {generator: dcgan, copy_rate: null}
  dcgan_copies: {generator: dcgan, copy_rate: null}
arms:
  fid_gated: {real: 1.0, synthetic: {dcgan_gated: 1.0}}
  with_copies: {real: 1.0, synthetic: {dcgan_copies: 1.0}}
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DVC project with conf/ and pipelines/."""
    folder = tmp_path_factory.mktemp("project")
    copy_project(folder)
    (folder / "conf/study/plain.yaml").write_text(PLAIN)
    (folder / "conf/study/variants.yaml").write_text(GATED)
    Repo.init(str(folder), no_scm=True).close()
    return folder


@pytest.fixture
def project(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a project of its own."""
    shutil.copytree(template, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def stages(*words: str) -> dict[str, set[str]]:
    """Compose a study in the working directory; the stages that DVC sees then, and what each depends on."""
    assert script("compose", *words) == 0
    with Repo(".") as repo:
        return {
            stage.addressing: {str(dep) for dep in stage.deps if not str(dep).startswith("params.yaml")}
            for stage in repo.index.stages
        }


def names(kind: str, found: dict[str, set[str]]) -> set[str]:
    """Places of the stages of one kind."""
    return {name.partition("@")[2] for name in found if name.partition("@")[0] == kind}


@pytest.mark.parametrize(
    ("words", "splits"),
    [
        (["protocol=holdout"], ["development"]),
        (["protocol=nested", "prepare.folds=3"], ["fold0", "fold1", "fold2"]),
        (["protocol=pooled"], ["all"]),
        (BY_SITE, ["fold0", "fold1", "fold2"]),
    ],
    ids=["holdout", "nested", "pooled", "site_out"],
)
def test_a_protocol_has_a_generator_for_each_of_its_splits(
    project: Path, words: Sequence[str], splits: list[str]
) -> None:
    found = stages("study=smoke", *words)
    for kind in ("train_gan", "synthesize", "fidelity"):
        assert names(kind, found) == {f"smoke-dcgan-{split}" for split in splits}
    arms = ("real", "real+synthetic_dcgan", "synthetic_dcgan")
    assert names("segment", found) == {f"smoke-{arm}-unet" for arm in arms}
    assert found["assemble@smoke"] == {"out/smoke/prepared", "out/smoke/models", "out/smoke/synthetic"}
    assert found["report@smoke"] >= {"out/smoke/models", "out/smoke/synthetic", "out/smoke/fidelity"}


def test_a_study_without_generators_has_no_stage_of_theirs_and_waits_for_none(project: Path) -> None:
    found = stages("study=plain")
    assert {name.partition("@")[0] for name in found} == {"prepare", "assemble", "segment", "report"}
    for stage in ("assemble@plain", "report@plain"):
        assert not [dep for dep in found[stage] if "models" in dep or "synthetic" in dep or "fidelity" in dep]


def test_variants_of_a_draw_train_their_generator_once(project: Path) -> None:
    found = stages("study=variants")
    assert names("train_gan", found) == {"variants-dcgan-development"}
    drawn = {f"variants-{draw}-development" for draw in ("dcgan", "dcgan_copies", "dcgan_gated")}
    assert names("synthesize", found) == names("fidelity", found) == drawn
    assert found["synthesize@variants-dcgan_gated-development"] == {
        "out/variants/prepared",
        "out/variants/models/dcgan/development",
    }


def test_a_variant_gates_as_its_file_says_and_the_generator_s_own_draw_does_not(project: Path) -> None:
    params, _ = compose(["study=variants"], Path("conf"))
    draws = params["draws"]
    assert [draws[name]["distance_gate"] is not None for name in ("dcgan", "dcgan_gated", "dcgan_copies")] == [0, 1, 0]
    assert [draws[name]["copy_rate"] for name in ("dcgan", "dcgan_gated", "dcgan_copies")] == [0.01, None, None]
    assert {draw["generator"] for draw in draws.values()} == {"dcgan"}


def test_a_draw_may_not_take_the_name_of_another_generator(project: Path) -> None:
    words = ["study=smoke", "+generator@generators.other=dcgan", "+draws.other={generator: dcgan}"]
    with pytest.raises(ConfigError, match="draws.other draws from 'dcgan', but 'other' is a generator"):
        compose(words, Path("conf"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["protocol=site_out"], r"leaves out one site .* set prepare.split_by=site prepare.test_fraction=0"),
        (BY_SITE[1:], "leaves no test set, but the protocol holdout judges on one: set protocol=site_out"),
        ((*BY_SITE[1:], "protocol=nested"), "the protocol nested judges on one"),
        (["prepare.test_fraction=0"], "split by patient, a trial needs test cases"),
        (["prepare.split_by=hospital"], "prepare.split_by: 'hospital' is unknown; there are patient, site"),
    ],
)
def test_a_protocol_and_a_split_that_do_not_suit_each_other_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compose(["study=smoke", *words], REPOSITORY / "conf")


def repro(*words: str) -> Path:
    """Compose a study and run all of its stages through DVC; return its folder."""
    assert script("compose", *words) == 0
    with Repo(".") as repo:
        repo.reproduce()
        assert not repo.status()
    study = next(word.partition("=")[2] for word in words if word.startswith("study="))
    return Path("out") / study


def read_verdict(study: Path, arm: str) -> dict:
    """What the verdict says of one arm."""
    return json.loads((study / "report/verdict.json").read_text())["models"]["unet"]["arms"][arm]


@pytest.mark.slow
def test_nested_runs_to_a_verdict_and_every_fold_trains_on_its_own_generator_s_cases(project: Path) -> None:
    study = repro("study=smoke", "protocol=nested", *SMALLEST)
    splits = json.loads((study / "prepared/splits.json").read_text())
    rows = pd.read_csv(study / "arms/real+synthetic_dcgan.csv").query("source == 'synthetic'")
    for fold, left_out in enumerate(splits["folds"]):
        model = json.loads((study / f"models/dcgan/fold{fold}/model.json").read_text())
        assert not set(model["seen_cases"]) & {*left_out, *splits["test"]}
        own = rows[rows["fold"] == fold]
        assert set(own["split"]) == {f"fold{fold}"} and set(own["weights_sha256"]) == {model["weights_sha256"]}
        fidelity = json.loads((study / f"fidelity/dcgan/fold{fold}/fidelity.json").read_text())
        assert set(fidelity["held_out"]) == {*left_out, *splits["test"]}
    assert read_verdict(study, "real+synthetic_dcgan")["n_models"] == 3


@pytest.mark.slow
def test_pooled_runs_and_its_report_says_that_it_is_leaky_and_has_no_unseen_case(project: Path) -> None:
    study = repro("study=smoke", "protocol=pooled", *SMALLEST)
    fidelity = json.loads((study / "fidelity/dcgan/all/fidelity.json").read_text())
    assert fidelity["held_out"] == [] and fidelity["audit"]["without_membership"]
    page = (study / "report/report.html").read_text()
    assert "LEAKY" in page and fidelity["audit"]["without_membership"] in page
    assert "the audit of copies has none to compare with" in page


@pytest.mark.slow
def test_site_out_runs_and_every_model_judges_the_site_that_it_has_not_seen(project: Path) -> None:
    study = repro("study=smoke", *SMALLEST, *BY_SITE)
    cases = pd.read_csv(study / "prepared/cases.csv").set_index("case_id")
    folds = json.loads((study / "prepared/splits.json").read_text())["folds"]
    assert [set(cases.loc[fold, "site"]) for fold in folds] == [{site} for site in sorted(set(cases["site"]))]
    scores = pd.read_csv(study / "segment/real/unet/cases.csv", dtype={"fold": str})
    for fold, left_out in enumerate(folds):
        assert set(scores[scores["fold"] == str(fold)]["case_id"]) == set(left_out)
        model = json.loads((study / f"models/dcgan/fold{fold}/model.json").read_text())
        assert not set(cases.loc[model["seen_cases"], "site"]) & set(cases.loc[left_out, "site"])
        fidelity = json.loads((study / f"fidelity/dcgan/fold{fold}/fidelity.json").read_text())
        assert set(fidelity["held_out"]) == set(left_out)


@pytest.mark.slow
def test_a_study_without_generators_runs_to_a_verdict(project: Path) -> None:
    study = repro("study=plain")
    assert read_verdict(study, "real_duplicated")["n_models"] == 3
    assert not (study / "models").exists()
