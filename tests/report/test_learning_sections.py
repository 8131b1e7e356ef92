"""The learning curve and dose and response on the page: what arms are worth, and over which dose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import finished_study
import numpy as np
import pandas as pd
import pytest
from finished_study import FOLDS, PROVENANCE, SEGMENTER, study_params, write_finished_study

from synthtrial.report.building import build
from synthtrial.report.reading import read_results
from synthtrial.report.results import Results
from synthtrial.report.sections import dose_response, learning_curve
from synthtrial.report.worth import read_learning_curve
from synthtrial.trial.learning_curve import Estimate

CURVE = {"shares": [0.25, 0.5], "arms": ["real", "real+synthetic_dcgan"]}
MADE_OF = {
    "real": (1.0, 0.0, 0.0),
    "synthetic_dcgan": (0.0, 1.0, -0.15),
    "synthetic_dcgan_2x": (0.0, 2.0, -0.1),
    "real+synthetic_dcgan": (1.0, 1.0, 0.3),
    "real+synthetic_dcgan_2x": (1.0, 2.0, 0.01),
    "real_at_25": (0.25, 0.0, -0.2),
    "real_at_50": (0.5, 0.0, -0.1),
    "real+synthetic_dcgan_at_25": (0.25, 1.0, -0.1),
    "real+synthetic_dcgan_at_50": (0.5, 1.0, -0.05),
}
"""Arms: share of the 8 real cases, synthetic ones per real one, and how far their Dice is from that of `real`."""


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    """A study with a learning curve and doses."""
    monkeypatch.setattr(finished_study, "ARMS", {arm: effect for arm, (_, _, effect) in MADE_OF.items()})
    folder = write_finished_study(tmp_path / "study")
    for arm, (real, _, _) in MADE_OF.items():
        path = folder / "segment" / arm / SEGMENTER / "folds.csv"
        pd.read_csv(path).assign(train_real=round(8 * real)).to_csv(path, index=False)
    made_of = {
        arm: {"real": real, "synthetic": {"dcgan": ratio} if ratio else {}} for arm, (real, ratio, _) in MADE_OF.items()
    }
    params = study_params() | {"learning_curve": CURVE, "arms": made_of, "arm_names": list(MADE_OF)}
    return read_results(folder, params, PROVENANCE)


def test_points_of_the_curve_take_no_part_in_the_verdict(results):
    declared = [arm for arm in MADE_OF if "_at_" not in arm]
    assert results.arms == declared
    assert list(results.verdict["models"][SEGMENTER]["arms"]) == declared


def test_arms_are_read_on_the_reference_s_curve(results):
    curve = read_learning_curve(results, SEGMENTER)
    assert (curve.fewest, curve.most) == (2, 8)
    read = {reading.arm: reading for reading in curve.readings}
    alone = read["synthetic_dcgan"]  # half-way between 2 and 4 real cases
    assert alone.cases == 0 and 2 < alone.needed.value < 4 and alone.needed.low <= alone.needed.value
    assert alone.worth_text("value") == alone.needed_text("value")
    assert read["real+synthetic_dcgan"].worth_text("value") == "more than 0"
    quarter = read["real+synthetic_dcgan_at_25"]  # as good as real at 50 %
    assert quarter.needed.value == pytest.approx(4, rel=0.25)
    assert float(quarter.worth_text("value")) == pytest.approx(quarter.needed.value - 2, abs=0.06)


def cautions_under(results, protocol: str) -> dict[str, str]:
    results.params["protocol"]["name"] = protocol
    return {one.arm: one.caution for one in read_learning_curve(results, SEGMENTER).readings}


def test_figures_are_read_with_care_where_a_generator_has_seen_more_than_the_arm_has(results):
    holdout, nested = cautions_under(results, "holdout"), cautions_under(results, "nested")
    assert {arm for arm, caution in nested.items() if caution} == {arm for arm in nested if "_at_" in arm}
    assert all("each fold leaves out" in caution for arm, caution in holdout.items() if "_at_" not in arm)
    assert all("LEAKY" in caution for caution in cautions_under(results, "pooled").values())
    results.params["protocol"]["name"] = "holdout"
    for synthesis in results.syntheses:
        synthesis.cohort.facts["seen_cases"] = []  # an oracle
    assert not any(one.caution for one in read_learning_curve(results, SEGMENTER).readings)


def test_arms_without_synthetic_cases_have_no_worth(results):
    results.params["arms"]["synthetic_dcgan_2x"]["synthetic"] = {"dcgan": 0.0}
    read = {reading.arm for reading in read_learning_curve(results, SEGMENTER).readings}
    assert "synthetic_dcgan_2x" not in read and "synthetic_dcgan" in read and "real" not in read


def test_the_headline_counts_arms_whose_whole_interval_lies_above_their_own_cases(results):
    read = {one.arm: one for one in read_learning_curve(results, SEGMENTER).readings}
    alone, better = read["synthetic_dcgan"], read["real+synthetic_dcgan"]
    at_par = replace(better, needed=Estimate(8.0, 4.0, np.inf))
    assert learning_curve.headline([alone, at_par]).startswith("None of 1 arms")
    assert learning_curve.headline([better, better, at_par]).startswith("2 of 3 arms")


def test_each_point_is_compared_with_the_reference_at_its_share(results):
    points = read_learning_curve(results, SEGMENTER).points.set_index("arm")
    assert points.loc["real+synthetic_dcgan_at_25", "difference"] == pytest.approx(0.1, abs=0.03)
    assert np.isnan(points.loc["real_at_25", "difference"])
    assert (points["low"] <= points["mean"]).all() and (points["mean"] <= points["high"]).all()


def test_a_score_for_which_less_is_better_is_read_the_same_way(results):
    curve = read_learning_curve(results, SEGMENTER)
    scores = results.case_scores
    scores["hd95_mm"] = 50 * (1 - scores["dice"])
    results.params["protocol"]["metric"] = "hd95_mm"
    turned = read_learning_curve(results, SEGMENTER)
    for ours, theirs in zip(curve.readings, turned.readings, strict=True):
        assert theirs.needed.value == pytest.approx(ours.needed.value)
    means = turned.points.set_index("arm")["mean"]
    assert means["real_at_25"] > means["real"] > 0


def test_doses_are_those_of_arms_that_differ_in_nothing_else(results):
    block = dose_response.section(results).blocks[-1]
    frame = block.frame.set_index("arm")
    assert list(frame.loc[frame["beside"] == "real cases", "dose"]) == [0, 1, 2]
    assert list(frame.loc[frame["beside"] == "nothing", "dose"]) == [1, 2]
    entry = results.verdict["models"][SEGMENTER]["arms"]["synthetic_dcgan_2x"]
    assert frame.loc["synthetic_dcgan_2x", "difference"] == entry["difference"]
    assert frame.loc["real", "difference"] == 0


def test_the_page_has_both_and_their_tables(results, tmp_path):
    build(results.folder, results.params, tmp_path / "report", provenance=PROVENANCE)
    page = (tmp_path / "report/report.html").read_text()
    assert "What synthetic cases are worth" in page and "How many synthetic cases" in page
    assert "with 8 real cases, is as good as more than 8 real cases alone" in page
    assert "the synthetic ones are worth more than 0 real cases" in page
    for name in ("worth", "learning_curve", "dose_response"):
        assert (tmp_path / "report/tables" / f"{name}_{SEGMENTER}.csv").is_file()
    assert (tmp_path / f"report/figures/learning_curve_{SEGMENTER}.png").is_file()


def test_a_study_without_them_has_no_such_sections(tmp_path):
    plain = read_results(write_finished_study(tmp_path / "study"), study_params(), PROVENANCE)
    assert not learning_curve.section(plain).blocks and not dose_response.section(plain).blocks
    assert plain.fold_scores["fold"].nunique() == FOLDS
