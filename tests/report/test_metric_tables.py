"""The table of all metrics: what each figure is, per label and per site, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from report.finished_study import ARMS, PROVENANCE, SEGMENTER, TEST_CASES, study_params, write_finished_study
from synthtrial.errors import SynthtrialError
from synthtrial.report.blocks import Table
from synthtrial.report.metric_blocks import definitions
from synthtrial.report.metric_tables import MEAN, metric_frame, sites
from synthtrial.report.reading import read_results
from synthtrial.report.results import Results
from synthtrial.report.sections.scores import section


@pytest.fixture(scope="module", params=[("lesion",), ("core", "rim")], ids=["one label", "two labels"])
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = write_finished_study(tmp_path_factory.mktemp("out") / "made_up", labels=request.param)
    return read_results(folder, study_params(), PROVENANCE)


def test_there_is_a_row_per_arm_and_with_several_labels_one_per_label(results: Results) -> None:
    labels = results.cohort.labels
    per_arm = [MEAN, *labels] if len(labels) > 1 else [MEAN]
    frame = metric_frame(results, SEGMENTER)
    assert list(zip(frame["arm"], frame["label"], strict=True)) == [(arm, label) for arm in ARMS for label in per_arm]
    assert not frame.isna().to_numpy().any()


def test_figures_are_those_of_the_ensembles_cases(results: Results) -> None:
    frame = metric_frame(results, SEGMENTER).set_index(["arm", "label"])
    label = results.cohort.labels[0]
    for arm in ARMS:
        cases = results.ensemble(SEGMENTER, arm)
        row = frame.loc[(arm, MEAN)]
        assert row["hd95_mm"] == pytest.approx(cases["hd95_mm"].mean())
        assert row["dice"] == pytest.approx(cases["dice"].mean())
        assert row["cases"] == TEST_CASES
        if len(results.cohort.labels) == 1:
            volumes = cases[f"predicted_ml/{label}"] + cases[f"reference_ml/{label}"]
            assert row["aggregated_dice"] == pytest.approx(2 * cases[f"overlap_ml/{label}"].sum() / volumes.sum())


def test_a_patient_with_several_cases_counts_once_in_means_and_each_case_in_sums(results: Results) -> None:
    scores = results.case_scores
    extra = scores[scores["case_id"] == scores["case_id"].iloc[0]].assign(case_id="extra")
    doubled = replace(results, case_scores=pd.concat([scores, extra], ignore_index=True))
    before, after = (metric_frame(one, SEGMENTER) for one in (results, doubled))
    pd.testing.assert_series_equal(after["hd95_mm"], before["hd95_mm"])
    assert (after["lesions"] > before["lesions"]).all()
    assert (after["patients"] == before["patients"]).all()


def test_sites_share_out_the_cases(results: Results) -> None:
    parts = [metric_frame(results, SEGMENTER, site) for site in sites(results)]
    assert sites(results) == ["A", "B"]
    assert (sum(part["lesions"] for part in parts) == metric_frame(results, SEGMENTER)["lesions"]).all()


def test_the_section_has_a_table_per_site_and_never_test_and_validation_in_one(results: Results) -> None:
    tables = {block.name: block for block in section(results).blocks if isinstance(block, Table)}
    assert [name for name in tables if name.startswith("test_metrics")] == [
        f"test_metrics_{SEGMENTER}",
        f"test_metrics_{SEGMENTER}_A",
        f"test_metrics_{SEGMENTER}_B",
    ]
    assert tables[f"test_lesions_{SEGMENTER}"].frame["lesions"].min() > 0
    for name, table in tables.items():
        assert table.cases == name.split("_")[0]
    titles = [column.title for column in tables[f"test_metrics_{SEGMENTER}"].columns]
    shown = {title.replace("\N{NO-BREAK SPACE}", " ") for title in titles}
    assert {"Dice ↑", "HD95 (mm) ↓", "NSD ↑", "Volume error ↓", "Aggregated Dice ↑"} <= shown


def test_one_site_has_no_table_of_its_own(results: Results) -> None:
    assert sites(replace(results, case_scores=results.case_scores.assign(site="A"))) == []
    assert sites(replace(results, case_scores=results.case_scores.assign(site=float("nan")))) == []


def test_the_definitions_name_the_tolerance(results: Results) -> None:
    assert "within 2 mm of the other.\n" in definitions(results)
    assert "Voxels are" not in definitions(results)


def test_voxels_larger_than_the_tolerance_are_named(results: Results) -> None:
    thick = {"overall": {"spacing_mm": [{"max": 0.9}, {"max": 0.9}, {"max": 5.0}]}}
    assert "Voxels are up to 5 mm long" in definitions(replace(results, profile=thick))


def test_a_site_may_have_any_name(results: Results) -> None:
    scores = results.case_scores
    renamed = replace(results, case_scores=scores.assign(site=scores["site"].map({"A": "Paris/Nord", "B": ""})))
    names = [block.name for block in section(renamed).blocks if isinstance(block, Table)]
    assert {f"test_metrics_{SEGMENTER}_Paris_Nord", f"test_metrics_{SEGMENTER}_no_name"} <= set(names)


def test_scores_of_an_older_version_are_refused(tmp_path: Path) -> None:
    folder = write_finished_study(tmp_path / "made_up")
    old = read_results(folder, study_params(), PROVENANCE)
    with pytest.raises(SynthtrialError, match="no column 'hd95_mm/lesion'.*dvc repro"):
        metric_frame(replace(old, case_scores=old.case_scores.drop(columns="hd95_mm/lesion")), SEGMENTER)
