"""Models that failed to learn are named, repeats are averaged, and the share of training in the cost is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from finished_study import FOLDS, PROVENANCE, study_params, write_finished_study

from synthtrial.report.blocks import Banner, Text
from synthtrial.report.reading import read_results
from synthtrial.report.results import Results
from synthtrial.report.sections import reproduction, training
from synthtrial.report.tables import test_frame as scores_on_test_cases
from synthtrial.report.tables import validation_frame


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = write_finished_study(tmp_path_factory.mktemp("study"))
    return read_results(folder, study_params(), PROVENANCE)


def with_a_worse_repeat(results: Results) -> Results:
    """The same models, and each again with a Dice lower by 0.1."""
    folds = results.fold_scores.assign(repeat=1, validation_dice=results.fold_scores["validation_dice"] - 0.1)
    models = results.case_scores[results.case_scores["fold"] != "ensemble"]
    cases = models.assign(repeat=1, dice=models["dice"] - 0.1)
    return replace(
        results,
        fold_scores=pd.concat([results.fold_scores, folds], ignore_index=True),
        case_scores=pd.concat([results.case_scores, cases], ignore_index=True),
    )


def test_a_model_that_failed_to_learn_is_named_on_a_banner(results: Results) -> None:
    assert not any(isinstance(block, Banner) for block in training.learned_blocks(results, "unet"))
    folds = results.fold_scores.copy()
    place = (folds["arm"] == "synthetic_dcgan") & (folds["fold"] == "1")
    folds.loc[place, "convergence"] = "its loss did not fall"
    folds.loc[folds["fold"] == "2", "remark"] = "its loss was still falling"
    blocks = training.learned_blocks(replace(results, fold_scores=folds), "unet")
    (banner,) = [block for block in blocks if isinstance(block, Banner)]
    assert "synthetic_dcgan, fold 1: its loss did not fall." in banner.text and "1 of 9 models" in banner.text
    assert isinstance(blocks[-1], Text) and "real, fold 2; " in blocks[-1].text


def test_a_remark_is_said_once_as_it_was_recorded(results: Results) -> None:
    folds = results.fold_scores.copy()
    folds["remark"] = [f"its loss was still falling at the end (0.3 to 0.{fold}): more steps" for fold in folds["fold"]]
    folds.loc[folds["arm"] == "real", "remark"] = "its solver stopped before it had converged"
    texts = [block.text for block in training.learned_blocks(replace(results, fold_scores=folds), "unet")[1:]]
    assert len(texts) == 2 and texts[0].startswith("Its solver stopped before it had converged. Said of real, fold 0; ")
    assert texts[1].startswith("Its loss was still falling at the end: more steps. Said of ")
    assert "real, fold" not in texts[1].split("; ")


def test_repeats_are_averaged_in_their_fold_and_counted_in_the_spread(results: Results) -> None:
    once, twice = (validation_frame(r, "unet").set_index("arm") for r in (results, with_a_worse_repeat(results)))
    folds = [f"fold {fold}" for fold in range(FOLDS)]
    assert list(twice.columns) == [*folds, "mean", "sd"]
    assert np.allclose(once[folds] - twice[folds], 0.05) and np.allclose(once["mean"] - twice["mean"], 0.05)
    assert (twice["sd"] > 0.05).all()
    tested, again = (scores_on_test_cases(r, "unet") for r in (results, with_a_worse_repeat(results)))
    assert np.allclose(tested["fold_models"] - again["fold_models"], 0.05)
    assert np.allclose(tested["ensemble"], again["ensemble"])


def test_results_without_repeats_are_read_as_one_training_per_fold(tmp_path: Path) -> None:
    folder = write_finished_study(tmp_path / "study")
    for path in folder.glob("segment/*/*/*.csv"):
        pd.read_csv(path).drop(columns=["repeat", "convergence", "remark"], errors="ignore").to_csv(path, index=False)
    results = read_results(folder, study_params(), PROVENANCE)
    assert (results.fold_scores["repeat"] == 0).all() and (results.curves["repeat"] == 0).all()
    (text,) = training.learned_blocks(results, "unet")
    assert isinstance(text, Text) and "not recorded" in text.text


def test_the_share_of_training_is_that_of_all_stages(results: Results) -> None:
    stages = pd.DataFrame({"wall_s": [10.0, 90.0], "training_s": [0.0, 85.0]})
    assert "1 min 25 s of 1 min 40 s, 85 %" in reproduction.training_share(stages)
    assert "not recorded" in reproduction.training_share(stages.assign(training_s=[0.0, np.nan]))
    table = reproduction.stage_table(results).frame
    assert table["training_s"].iloc[-1] == pytest.approx(results.stages["training_s"].sum())
