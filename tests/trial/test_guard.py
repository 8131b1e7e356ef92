"""The guard refuses what was seen, by case and by patient, and cohorts that nothing can be judged on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import CohortError, LeakError
from synthtrial.trial.guard import check, check_cohort, check_start
from synthtrial.trial.protocol import PROTOCOLS

MakeCohort = Callable[..., PreparedCohort]
HOLDOUT, NESTED, POOLED, SITE_OUT = (PROTOCOLS[name] for name in ("holdout", "nested", "pooled", "site_out"))


def test_separate_cases_and_patients_pass():
    check(["a"], ["p1"], ["b", "c"], ["p2"], "holdout")


def test_a_seen_case_is_named():
    with pytest.raises(LeakError, match=r"arm x: 1 judged case\(s\) were seen in training: a\."):
        check(["a", "d"], ["p1"], ["a", "b"], ["p2"], "holdout", "arm x")


def test_another_case_of_a_judged_patient_is_a_leak():
    with pytest.raises(LeakError, match=r"1 judged patient\(s\) were seen in training: p1"):
        check(["a"], ["p1"], ["b"], ["p1"], "nested")


def test_many_leaks_are_counted_and_the_first_named():
    cases = [f"c{index:02d}" for index in range(30)]
    with pytest.raises(LeakError, match=r"30 judged case\(s\).*: c00, c01, c02, c03, c04, \.\.\."):
        check(cases, [], cases, [], "holdout")


def test_the_pooled_protocol_lets_leaks_pass():
    check(["a"], ["p1"], ["a"], ["p1"], "pooled")


def write_model(folder: Path, seen: list[str], earlier: list[str] | None = None) -> dict:
    """A `model.json` of a generator that has seen some cases, and of another that it started from."""
    start_from = None if earlier is None else {"seen_cases": earlier, "seen_patients": []}
    model = {"seen_cases": seen, "seen_patients": [], "start_from": start_from}
    (folder / "model.json").write_text(json.dumps(model))
    return {"start_from": str(folder)}


def test_weights_that_have_seen_a_test_patient_are_no_start(make_cohort: MakeCohort, tmp_path: Path) -> None:
    """Also when another model, which those weights started from, had seen it."""
    cohort = make_cohort()
    config = write_model(tmp_path, [], earlier=cohort.test[:1])
    with pytest.raises(LeakError, match=rf"start_from .*were seen in training: {cohort.test[0]}"):
        check_start(config, cohort, HOLDOUT, "development")
    check_start(config, cohort, POOLED, "all")
    check_start({"start_from": None}, cohort, HOLDOUT, "development")


def test_a_fold_s_generator_starts_from_nothing_that_saw_its_fold(make_cohort: MakeCohort, tmp_path: Path) -> None:
    cohort = make_cohort()
    config = write_model(tmp_path, cohort.folds[1][:1])
    check_start(config, cohort, HOLDOUT, "development")
    for protocol in (NESTED, SITE_OUT):
        check_start(config, cohort, protocol, "fold0")
        with pytest.raises(LeakError, match=cohort.folds[1][0]):
            check_start(config, cohort, protocol, "fold1")


@pytest.mark.parametrize(
    ("moved", "message"),
    [
        ("case03", r"1 patient\(s\) are both in the test set and in fold 0: p00"),
        ("case04", r"are both in the test set and in fold 1: p00"),
    ],
)
def test_a_patient_in_a_fold_and_the_test_set_is_refused(make_cohort: MakeCohort, moved: str, message: str) -> None:
    cohort = make_cohort()
    check_cohort(cohort, HOLDOUT)
    cohort.cases.loc[moved, "patient_id"] = "p00"
    for protocol in (HOLDOUT, POOLED):
        with pytest.raises(LeakError, match=message):
            check_cohort(cohort, protocol)


def test_a_patient_in_two_folds_is_refused(make_cohort: MakeCohort) -> None:
    cohort = make_cohort()
    cohort.cases.loc[cohort.folds[2][0], "patient_id"] = cohort.cases.at[cohort.folds[0][0], "patient_id"]
    with pytest.raises(LeakError, match=r"splits\.json: 1 patient\(s\) are both in fold 0 and in fold 2: p03"):
        check_cohort(cohort, NESTED)


def test_a_test_set_without_lesions_is_refused(make_cohort: MakeCohort) -> None:
    cohort = make_cohort()
    cohort.cases.loc[cohort.test[1:], "lesion_ml"] = 0.0
    check_cohort(cohort, HOLDOUT)
    cohort.cases.loc[cohort.test, "lesion_ml"] = 0.0
    with pytest.raises(
        CohortError, match=r"no reference mask of the test set has a lesion \(3 cases, such as case00\)"
    ):
        check_cohort(cohort, HOLDOUT)


def test_each_site_that_is_judged_needs_lesions_and_there_need_be_no_test_set(make_cohort: MakeCohort) -> None:
    cohort = make_cohort()
    cohort.splits["test"] = []
    check_cohort(cohort, SITE_OUT)
    with pytest.raises(CohortError, match="the test set is empty, so there is nothing to judge on"):
        check_cohort(cohort, HOLDOUT)
    cohort.cases.loc[cohort.folds[1], "lesion_ml"] = 0.0
    with pytest.raises(CohortError, match="no reference mask of fold 1 has a lesion"):
        check_cohort(cohort, SITE_OUT)
