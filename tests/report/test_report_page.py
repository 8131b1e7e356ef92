"""The report as a whole: what stands on the page, in which order, and what lies beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from report.finished_study import ARMS, GENERATOR, PROVENANCE, SEGMENTER, study_params, write_finished_study
from synthtrial.errors import SynthtrialError
from synthtrial.report.building import build, write_metrics
from synthtrial.report.page import head_facts
from synthtrial.report.reading import read_results

TITLES = [
    "Verdict",
    "Scores per arm, patient and fold",
    "Predictions",
    "Fidelity",
    "Is it a copy?",
    "Real beside synthetic",
    "Training",
    "Cohort",
    "How far to trust the verdict",
    "How to reproduce this",
]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study with its report."""
    folder = write_finished_study(tmp_path_factory.mktemp("out") / "made_up")
    build(folder, study_params(), folder / "report", provenance=PROVENANCE)
    return folder


@pytest.fixture(scope="module")
def page(study: Path) -> str:
    return (study / "report/report.html").read_text(encoding="utf-8")


def test_the_page_stands_alone(page: str) -> None:
    sources = re.findall(r'src="([^"]*)"', page)
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', page))
    assert "<script" not in page
    assert "@import" not in page
    assert "url(" not in page


def test_sections_stand_in_reading_order(page: str) -> None:
    assert re.findall(r"<h2>.*</span> (.*)</h2>", page) == TITLES


def test_every_section_can_be_reached(page: str) -> None:
    targets = re.findall(r'href="#([^"]*)"', page)
    assert targets == re.findall(r'<section id="([^"]*)"', page)


def test_every_figure_is_described_and_lies_beside_the_page(page: str, study: Path) -> None:
    images = re.findall(r"<img [^>]*>", page)
    assert len(images) == len(list((study / "report/figures").glob("*.png")))
    assert all(re.search(r'alt="[^"]+"', image) for image in images)
    assert page.count("<figcaption>") == len(images) + page.count("<table>")


def test_the_verdict_of_every_arm_is_said_in_words(page: str, study: Path) -> None:
    arms = json.loads((study / "report/verdict.json").read_text())["models"][SEGMENTER]["arms"]
    assert set(arms) == set(ARMS)
    assert arms[f"synthetic_{GENERATOR}"]["verdict"] == "harms"
    assert arms[f"real+synthetic_{GENERATOR}"]["verdict"] == "no evidence"
    first_section = page[: page.index('<section id="scores"')]
    assert "none of 2 arms helps, 1 harms; for 1 there is no evidence" in first_section
    assert "6 patients and 3 fold models" in first_section


def test_validation_and_test_never_share_a_table(page: str) -> None:
    for table in re.findall(r'<figure class="table">.*?</figure>', page, flags=re.DOTALL):
        marks = set(re.findall(r'<span class="cases (\w+)">', table))
        assert len(marks) <= 1
        assert ("Fold 0" in table) == (marks == {"validation"})


def test_how_to_reproduce_it_is_told(page: str) -> None:
    for value in (PROVENANCE["git_revision"], PROVENANCE["params_hash"], PROVENANCE["data_hash"], "torch 2.13.0"):
        assert value in page
    assert "1 min 38 s" in page  # the longest stage
    assert "overlay_cases:" in page  # the parameters


def test_tables_for_dvc_plots_have_the_columns_it_draws(study: Path) -> None:
    tables = study / "report/tables"
    losses = pd.read_csv(tables / "generator_losses.csv")
    assert {"images", "term", "value", "generator"} <= set(losses)
    assert {"arm", "fold", "test_dice", "validation_dice"} <= set(pd.read_csv(tables / "folds.csv"))


def test_metrics_are_flat_and_agree_with_the_verdict(study: Path) -> None:
    write_metrics(study / "report", study / "metrics.json")
    metrics = json.loads((study / "metrics.json").read_text())
    arms = json.loads((study / "report/verdict.json").read_text())["models"][SEGMENTER]["arms"]
    assert all(isinstance(value, float) for value in metrics.values())
    for arm in ARMS:
        assert metrics[f"dice/{SEGMENTER}/{arm}/test"] == arms[arm]["mean"]
    assert f"difference/{SEGMENTER}/real" not in metrics
    assert metrics[f"frechet/random_conv_n7/{GENERATOR}"] == 3.21


def test_metrics_have_the_name_of_what_the_verdict_compares(study: Path, tmp_path: Path) -> None:
    params = study_params()
    params["protocol"]["metric"] = "hd95_mm"
    build(study, params, tmp_path / "report", provenance=PROVENANCE)
    write_metrics(tmp_path / "report", tmp_path / "metrics.json")
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert f"hd95_mm/{SEGMENTER}/real/test" in metrics and not any(name.startswith("dice/") for name in metrics)


def test_the_same_results_give_the_same_bytes(study: Path, tmp_path: Path) -> None:
    build(study, study_params(), tmp_path / "again", provenance=PROVENANCE)
    for first in (study / "report").rglob("*.*"):
        assert first.read_bytes() == (tmp_path / "again" / first.relative_to(study / "report")).read_bytes()


def test_pooled_is_marked_leaky(study: Path, page: str, tmp_path: Path) -> None:
    build(study, study_params("pooled"), tmp_path / "report", provenance=PROVENANCE)
    leaky = (tmp_path / "report/report.html").read_text(encoding="utf-8")
    assert "LEAKY" not in page and '<span class="leaky">' not in page
    assert leaky.count("LEAKY, ") == len(ARMS) - 1, "in every sentence of the verdict"
    test = leaky.count('<span class="cases test">test</span> <span class="leaky">leaky</span>')
    assert test == leaky.count('<span class="cases test">') > 0
    assert leaky.count('<div class="line"><span class="leaky">') == len(ARMS) - 1


def test_left_out_sites_are_not_called_a_test_set(study: Path) -> None:
    results = read_results(study, study_params("site_out"), PROVENANCE)
    results.cohort.splits["test"] = []
    cohort = results.cohort
    judged = dict(head_facts(results))["Judged"]
    assert judged.startswith(f"{len(cohort.development)} cases of {len(cohort.patients(cohort.development))} patients")
    assert "the site that a model has not seen" in judged


def test_text_of_the_user_is_escaped(study: Path, tmp_path: Path) -> None:
    params = study_params()
    params["study"]["title"] = "<script>alert(1)</script>"
    build(study, params, tmp_path / "report", provenance=PROVENANCE)
    assert "<script" not in (tmp_path / "report/report.html").read_text(encoding="utf-8")


def test_every_setting_of_the_report_is_read(study: Path, tmp_path: Path) -> None:
    class Watched(dict):
        read: set[str] = set()

        def __getitem__(self, key: str) -> object:
            self.read.add(key)
            return super().__getitem__(key)

    params = study_params()
    params["report"] = Watched(params["report"])
    build(study, params, tmp_path / "report", provenance=PROVENANCE | {"params": {}})
    assert params["report"].read == set(params["report"])


def test_two_labels_in_2d_have_their_columns(tmp_path: Path) -> None:
    folder = write_finished_study(tmp_path / "flat", shape=(24, 24), labels=("anterior", "posterior"))
    build(folder, study_params(), folder / "report", provenance=PROVENANCE)
    table = pd.read_csv(folder / f"report/tables/test_dice_{SEGMENTER}.csv")
    assert table[["dice/anterior", "dice/posterior"]].mean(axis=1).to_numpy() == pytest.approx(table["ensemble"])


def test_a_study_without_generators_has_a_report(study: Path, tmp_path: Path) -> None:
    params = study_params() | {"generator_names": [], "draw_names": [], "arm_names": ["real"]}
    build(study, params, tmp_path / "report", provenance=PROVENANCE)
    page = (tmp_path / "report/report.html").read_text(encoding="utf-8")
    assert "There is no arm to compare with real." in page
    assert "This study has no generator." in page


@pytest.mark.parametrize(
    ("file", "stage"),
    [
        (f"segment/real/{SEGMENTER}/cases.csv", "segment"),
        (f"models/{GENERATOR}/development/losses.csv", "train_gan"),
        (f"fidelity/{GENERATOR}/development/fidelity.json", "fidelity"),
        ("prepared/profile.json", "prepare"),
    ],
)
def test_a_missing_result_is_named_and_the_old_report_stays(tmp_path: Path, file: str, stage: str) -> None:
    folder = write_finished_study(tmp_path / "made_up")
    (folder / "report").mkdir()
    (folder / "report/report.html").write_text("old")
    (folder / file).unlink()
    with pytest.raises(SynthtrialError, match=rf"{Path(file).name}.*stage `{stage}`.*dvc repro"):
        build(folder, study_params(), folder / "report", provenance=PROVENANCE)
    assert (folder / "report/report.html").read_text() == "old"


def test_an_unknown_reference_or_protocol_is_refused(study: Path, tmp_path: Path) -> None:
    params = study_params()
    params["protocol"]["reference"] = "reel"
    with pytest.raises(SynthtrialError, match="'reel'.*there are: real, "):
        build(study, params, tmp_path / "report", provenance=PROVENANCE)
    with pytest.raises(SynthtrialError, match="'hold'.*there are: holdout, "):
        build(study, study_params("hold"), tmp_path / "report", provenance=PROVENANCE)
    assert not (tmp_path / "report").exists()
