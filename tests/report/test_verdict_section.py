"""The verdict's section: what the trial could have seen, and models that did not learn."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from report.finished_study import PROVENANCE, SEGMENTER, study_params, write_finished_study
from synthtrial.report.blocks import Banner, Table
from synthtrial.report.forest_plot import axis_limit
from synthtrial.report.reading import read_results
from synthtrial.report.results import Results
from synthtrial.report.sections.verdict import section, unlearned
from synthtrial.report.tables import verdict_frame
from synthtrial.report.wilcoxon_rate import rate_in_words


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = write_finished_study(tmp_path_factory.mktemp("out") / "made_up")
    return read_results(folder, study_params(), PROVENANCE)


def tables(results: Results) -> dict[str, Table]:
    return {block.name: block for block in section(results).blocks if isinstance(block, Table)}


def test_the_parts_in_the_table_are_the_squared_standard_error(results: Results) -> None:
    frame = verdict_frame(results, SEGMENTER).set_index("arm").drop(results.reference)
    parts = frame[["part_fold", "part_patient", "part_residual"]].sum(axis=1)
    assert parts.to_numpy() == pytest.approx(frame["standard_error"].to_numpy(float) ** 2)
    assert frame["part_seed"].isna().all()


def test_other_procedures_stand_apart_from_the_verdict(results: Results) -> None:
    shown = {name: [column.name for column in table.columns] for name, table in tables(results).items()}
    assert "p_wilcoxon_patients" not in shown[f"verdict_{SEGMENTER}"]
    assert {"ci_low", "bootstrap_low", "p_wilcoxon_patients"} <= set(shown[f"comparison_{SEGMENTER}"])
    assert tables(results)[f"comparison_{SEGMENTER}"].caption.startswith("For comparison only")


def test_what_could_have_been_seen_is_said_for_every_arm(results: Results) -> None:
    reach = tables(results)[f"reach_{SEGMENTER}"]
    assert (reach.frame["smallest_detectable"] > reach.frame["standard_error"]).all() and len(reach.frame) == 2
    assert "0.025 (Holm" in reach.caption


def test_shares_of_all_scores_sum_to_one(results: Results) -> None:
    assert tables(results)[f"variance_shares_{SEGMENTER}"].frame.sum(axis=1).iloc[0] == pytest.approx(1)


def test_models_that_did_not_learn_are_named(results: Results) -> None:
    folds = results.fold_scores.assign(convergence="")
    assert unlearned(replace(results, fold_scores=folds)) == ""
    folds.loc[(folds["arm"] == "real") & (folds["fold"].astype(str) == "1"), "convergence"] = "the loss did not fall"
    failed = replace(results, fold_scores=folds)
    assert f"real ({SEGMENTER}): fold 1: the loss did not fall." in unlearned(failed)
    assert [block.title for block in section(failed).blocks if isinstance(block, Banner)] == ["NOT LEARNED"]


def test_wilcoxons_rate_is_that_of_arms_without_a_difference() -> None:
    shares = {
        arm: {"alone": {"count": count, "trials": 20}} for arm, count in {"again": 11, "twin": 9, "gan": 1}.items()
    }
    truths = {arm: {"truth": truth} for arm, truth in {"again": "same", "twin": "same", "gan": "better"}.items()}
    sheet = {"arms": truths, "procedures": {"wilcoxon": {"arms": shares}}}
    assert rate_in_words(sheet) == "it called a null arm different in 20 of 40 calibration trials"
    assert rate_in_words(None) == "it takes the luck of one training for an effect"


def test_without_an_arm_to_compare_there_is_nothing_to_reach(results: Results) -> None:
    alone = replace(results, params=results.params | {"arm_names": ["real"]})
    alone = replace(alone, case_scores=pd.DataFrame(results.case_scores.query("arm == 'real'")))
    assert list(tables(alone)) == [f"verdict_{SEGMENTER}"]


def test_one_far_arm_does_not_hide_the_others() -> None:
    near = pd.DataFrame({"ci_low": [-0.03, -0.02, -0.01], "ci_high": [0.01, 0.02, 0.05]})
    assert axis_limit(near) == pytest.approx(1.15 * 0.05)
    far = pd.concat([near, pd.DataFrame({"ci_low": [-0.8], "ci_high": [-0.7]})])
    assert axis_limit(far) == axis_limit(near)
    assert axis_limit(far.tail(1)) > 0.8 and axis_limit(far.head(0)) > 0
