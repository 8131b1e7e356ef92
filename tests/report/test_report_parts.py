"""The parts of the report: numbers, colours, tables, overlays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from matplotlib import rcParams

from report.finished_study import PROVENANCE, SEGMENTER, study_params, write_finished_study
from synthtrial.report import numbers
from synthtrial.report.figure_style import arm_colours, arm_markers, house_style, new_figure
from synthtrial.report.reading import read_results
from synthtrial.report.results import Results
from synthtrial.report.sections.verdict import typeset
from synthtrial.report.tables import test_frame as score_frame
from synthtrial.report.tables import validation_frame


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = write_finished_study(tmp_path_factory.mktemp("out") / "made_up")
    return read_results(folder, study_params(), PROVENANCE)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (numbers.difference(-0.0126), "−0.013"),
        (numbers.difference(0.00001), "0.000"),
        (numbers.interval(-0.01, 0.0214), "−0.010 to +0.021"),
        (numbers.p_value(0.0004), "< 0.001"),
        (numbers.p_value(0.0499), "0.050"),
        (numbers.significant(0.0028213), "0.00282"),
        (numbers.significant(376.04), "376"),
        (numbers.significant(0.99951), "1.00"),
        (numbers.significant(1.2e-7), "1.20e−7"),
        (numbers.compact(-1000.0), "−1000"),
        (numbers.duration(59.94), "59.9 s"),
        (numbers.duration(59.97), "1 min 00 s"),
        (numbers.duration(7800), "2 h 10 min"),
        (numbers.memory(3110), "3.1 GB"),
    ],
)
def test_numbers_are_written_for_readers(written: str, expected: str) -> None:
    assert written == expected


def test_hyphens_before_numbers_become_minus_signs_and_names_stay() -> None:
    assert typeset("real-2 harms: -0.100 (interval -0.2 to -0.05)") == "real-2 harms: −0.100 (interval −0.2 to −0.05)."


def test_no_two_arms_look_alike() -> None:
    arms = ["real", *(f"arm{index}" for index in range(30))]
    colours, markers = arm_colours(arms, "real"), arm_markers(arms, "real")
    assert len({(colours[arm], markers[arm]) for arm in arms}) == len(arms)
    assert len({colours[arm] for arm in arms[:10]}) == 10, "cards and lines have no markers"


def test_an_arm_keeps_its_colour_wherever_the_reference_is_listed() -> None:
    assert arm_colours(["real", "a", "b"], "real") == arm_colours(["a", "real", "b"], "real")


def test_drawing_leaves_matplotlibs_defaults_alone() -> None:
    before = dict(rcParams)
    house_style(new_figure)(height=2)
    assert dict(rcParams) == before


def test_a_patient_with_several_cases_counts_once(results: Results) -> None:
    scores = results.case_scores
    extra = scores[scores["case_id"] == scores["case_id"].iloc[0]].assign(case_id="extra")
    doubled = replace(results, case_scores=pd.concat([scores, extra], ignore_index=True))
    pd.testing.assert_frame_equal(score_frame(doubled, SEGMENTER), score_frame(results, SEGMENTER))


def test_the_fold_models_mean_is_the_mean_that_the_verdict_compares(results: Results) -> None:
    arms = results.verdict["models"][SEGMENTER]["arms"]
    for row in score_frame(results, SEGMENTER).itertuples():
        assert row.fold_models == pytest.approx(arms[row.arm]["mean"])
        assert row.ensemble == pytest.approx(arms[row.arm]["ensemble_mean"])


def test_validation_table_has_the_reference_first_and_folds_in_order(results: Results) -> None:
    frame = validation_frame(results, SEGMENTER)
    assert frame["arm"].iloc[0] == results.reference
    assert list(frame.columns) == ["arm", "fold 0", "fold 1", "fold 2", "mean", "sd"]


def test_stages_are_listed_in_the_order_they_ran(results: Results) -> None:
    assert results.stages["started"].is_monotonic_increasing
    assert results.stages["stage"].iloc[0] == "prepare"


def test_a_study_without_stage_records_can_be_read(tmp_path: Path) -> None:
    folder = write_finished_study(tmp_path / "made_up")
    for path in (folder / "stages").glob("*.json"):
        path.unlink()
    assert len(read_results(folder, study_params(), PROVENANCE).stages) == 0
