"""A paper's tables on the page: same rows, same order, ours beside theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
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
    assert tables(results)["Validation Dice"].rows[0] == ["zebra", "0.400", "–", "0.5", "–"]
    found = tables(results)["Test Dice"]
    assert [column.title for column in found.columns][-1] == "larger, paper"
    assert np.isnan(tables(results)["Distances"].frame["ours_1"][0])


@pytest.mark.parametrize("source", ["test", "folds"])
def test_a_score_that_nobody_measured_is_refused(results, source):
    column = PaperColumn("Dice", source=source, metric="dcie")
    with pytest.raises(ConfigError, match="no metric 'dcie'; there are: .*dice"):
        paper.measured(results, PaperRow("real", [0.5], **OURS), column, None)


AMOUNTS = {
    "title": "Grid",
    "cases": "training",
    "columns": [
        {"title": "25 %", "source": "amounts", "metric": "frechet", "share": 0.25},
        {"title": "100 %", "source": "amounts", "metric": "frechet", "share": 1.0},
        {"title": "IS", "source": "amounts", "metric": "inception_score", "share": 1.0},
    ],
    "rows": [
        {"name": "m1", "figures": [376.0, 364.8, 12.68], "draw": GENERATOR, "method": "independent"},
        {"name": "m2", "figures": [308.2, 294.6, 10.8], "draw": GENERATOR},
    ],
}
TRAINING = {
    "title": "Losses",
    "cases": "training",
    "columns": [
        {"title": "G", "source": "training", "metric": "parameters/generator"},
        {"title": "loss", "source": "training", "metric": "discriminator/real+discriminator/fake"},
        {"title": "penalty", "source": "training", "metric": "discriminator/penalty"},
    ],
    "rows": [{"name": "DCGAN", "figures": [27265281, 0.088, None], "draw": GENERATOR}],
}


def with_tables(results, *contents: dict, **synthesis):
    """The study with other tables of a paper, and its syntheses with other content."""
    reproduces = PAPER | {"tables": list(contents)}
    changed = [replace(one, **synthesis) for one in results.syntheses]
    return replace(results, params=results.params | {"reproduces": reproduces}, syntheses=changed)


def test_amounts_are_those_of_the_row_s_method_and_the_column_s_share(results):
    amounts = pd.DataFrame(
        {"method": method, "share": share, "metric": f"frechet/{features}_n{round(8 * share)}", "value": value}
        for method, share, features, value in (
            ("independent", 0.25, "random_conv", 11.0),
            ("independent", 1.0, "random_conv", 12.0),
            ("progressive", 0.25, "random_conv", 13.0),
            ("progressive", 1.0, "random_conv", 14.0),
            ("progressive", 1.0, "random_conv_2", 99.0),
        )
    )
    table = tables(with_tables(results, AMOUNTS, amounts=amounts))["Grid"]
    assert table.frame[["ours_0", "ours_1"]].to_numpy().tolist() == [[11.0, 12.0], [13.0, 14.0]]
    assert table.frame["ours_2"].isna().all() and table.cases == "training"


def test_a_study_without_amounts_has_dashes(results):
    empty = results.syntheses[0].amounts.iloc[:0]
    table = tables(with_tables(results, AMOUNTS, amounts=empty))["Grid"]
    assert [row[2::2] for row in table.rows] == [["–"] * 3] * 2


def test_a_paper_s_figures_keep_their_digits_and_counts_are_whole(results):
    assert tables(with_tables(results, AMOUNTS))["Grid"].rows[0][1::2] == ["376.0", "364.8", "12.68"]
    assert tables(results)["Validation Dice"].rows[1][1] == "0.4414"
    assert tables(with_tables(results, TRAINING, **trained()))["Losses"].rows[0][1:3] == [
        "27\N{THIN SPACE}265\N{THIN SPACE}281",
        "31\N{THIN SPACE}002",
    ]


def trained() -> dict:
    """Losses of which one is not computed in every step, and the parameters of two networks."""
    losses = pd.DataFrame(
        {
            "images": [1000, 2000, 3000],
            "discriminator/real": [0.5, 0.4, 0.3],
            "discriminator/fake": [0.9, 0.7, 0.6],
            "discriminator/penalty": [0.2, 0.1, np.nan],
        }
    )
    return {"losses": losses, "model": {"parameters": {"generator": 31002, "discriminator": 77}}}


@pytest.mark.parametrize(("seen", "loss", "penalty"), [(3000, 0.9, 0.1), (1000, 1.4, 0.2), (None, 0.9, 0.1)])
def test_losses_are_those_at_the_time_of_the_draw_and_sum_up(results, seen, loss, penalty):
    content = trained() | {"fidelity": results.syntheses[0].fidelity | {"images_seen": seen}}
    cells = tables(with_tables(results, TRAINING, **content))["Losses"].frame.iloc[0]
    assert cells["ours_0"] == 31002
    assert (cells["ours_1"], cells["ours_2"]) == (pytest.approx(loss), penalty)


def test_a_loss_that_the_training_lacks_is_refused(results):
    column = TRAINING["columns"][1] | {"metric": "discriminator/reel"}
    wrong = TRAINING | {"columns": [TRAINING["columns"][0], column, TRAINING["columns"][2]]}
    with pytest.raises(ConfigError, match="column 'loss': no 'discriminator/reel'; there are: parameters/generator"):
        paper.section(with_tables(results, wrong, **trained()))


def test_validation_and_test_are_marked(results):
    found = tables(results)
    assert (found["Validation Dice"].cases, found["Test Dice"].cases) == ("validation", "test")
    assert (
        "The paper's figures are of validation cases. Ours are of validation cases." in found["Validation Dice"].caption
    )


def test_the_page_says_what_differs(results, tmp_path):
    build(results.folder, results.params, tmp_path / "report", provenance=PROVENANCE)
    page = (tmp_path / "report/report.html").read_text()
    assert "A thesis" in page and "<li>Other data.</li>" in page


def test_other_studies_have_no_such_section(tmp_path):
    plain = read_results(write_finished_study(tmp_path / "study"), study_params(), PROVENANCE)
    assert not paper.section(plain).blocks
