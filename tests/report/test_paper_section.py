"""A paper's tables on the page: same rows, same order, ours beside theirs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from finished_study import GENERATOR, PROVENANCE, SEGMENTER, study_params, write_finished_study

from synthtrial.errors import ConfigError
from synthtrial.report.building import build
from synthtrial.report.reading import read_results
from synthtrial.report.sections import paper
from synthtrial.trial.paper import PaperColumn, PaperRow

OURS = {"arm": "real", "segmenter": SEGMENTER}
VALIDATION = {
    "title": "Validation Dice",
    "cases": "validation",
    "columns": [
        {"title": "fold 2", "source": "folds", "fold": 1},
        {"title": "mean", "source": "folds"},
    ],
    "rows": [{"name": "zebra", "figures": [0.4, 0.5]}, {"name": "ant", "figures": [0.4414, None], **OURS}],
}
TEST = {
    "title": "Test Dice",
    "cases": "test",
    "columns": [
        {"title": "five folds", "source": "test", "fold": "ensemble"},
        {"title": "one fold", "source": "test", "fold": 0},
        {"title": "larger"},
    ],
    "rows": [{"name": "real", "figures": [0.48693, 0.43916, 0.6], **OURS}],
}
FIDELITY = {
    "title": "Distances",
    "cases": "training",
    "columns": [
        {"title": "image", "source": "fidelity", "metric": "frechet"},
        {"title": "mask", "source": "fidelity", "metric": "frechet_mask"},
    ],
    "rows": [{"name": "HA-GAN", "figures": [0.00207, None], "draw": GENERATOR}],
}
PAPER = {
    "title": "A thesis",
    "tables": [VALIDATION, TEST, FIDELITY],
    "differs": ["other data"],
    "features": "random_conv",
}


@pytest.fixture
def results(tmp_path: Path):
    params = study_params() | {"reproduces": PAPER}
    return read_results(write_finished_study(tmp_path / "study"), params, PROVENANCE)


def tables(results):
    return {block.caption.split(".")[0]: block for block in paper.section(results).blocks if block.kind == "table"}


def test_rows_keep_the_paper_s_order_and_its_figures(results):
    frame = tables(results)["Validation Dice"].frame
    assert list(frame["row"]) == ["zebra", "ant"]
    assert list(frame["paper_0"]) == [0.4, 0.4414] and np.isnan(frame["paper_1"][1])


def test_ours_are_the_study_s_own_figures(results):
    folds = results.fold_scores.query("arm == 'real'").set_index("fold")["validation_dice"]
    validation = tables(results)["Validation Dice"].frame.iloc[1]
    assert validation["ours_0"] == folds["1"] and validation["ours_1"] == pytest.approx(folds.mean())
    test = tables(results)["Test Dice"].frame.iloc[0]
    assert test["ours_0"] == pytest.approx(results.ensemble(SEGMENTER, "real")["dice"].mean())
    models = results.fold_models(SEGMENTER, "real")
    assert test["ours_1"] == pytest.approx(models[models["fold"] == "0"]["dice"].mean())
    assert tables(results)["Distances"].frame["ours_0"][0] == 3.21


def test_what_the_study_lacks_is_a_dash(results):
    assert tables(results)["Validation Dice"].rows[0] == ["zebra", "0.400", "–", "0.500", "–"]
    found = tables(results)["Test Dice"]
    assert [column.title for column in found.columns][-1] == "larger, paper"
    assert np.isnan(tables(results)["Distances"].frame["ours_1"][0])


@pytest.mark.parametrize("source", ["test", "folds"])
def test_a_score_that_nobody_measured_is_refused(results, source):
    column = PaperColumn("Dice", source=source, metric="dcie")
    with pytest.raises(ConfigError, match="no metric 'dcie'; there are: .*dice"):
        paper.measured(results, PaperRow("real", [0.5], **OURS), column, None)


def test_validation_and_test_are_marked(results):
    found = tables(results)
    assert (found["Validation Dice"].cases, found["Test Dice"].cases) == ("validation", "test")
    assert (
        "The paper's figures are of validation cases. Ours are of validation cases." in found["Validation Dice"].caption
    )


def test_the_page_says_what_differs(results, tmp_path):
    build(results.folder, results.params, tmp_path / "report", provenance=PROVENANCE)
    page = (tmp_path / "report/report.html").read_text()
    assert "A thesis" in page and "Differs from the paper: other data" in page


def test_other_studies_have_no_such_section(tmp_path):
    plain = read_results(write_finished_study(tmp_path / "study"), study_params(), PROVENANCE)
    assert not paper.section(plain).blocks
