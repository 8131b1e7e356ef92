"""The guard refuses what was seen, by case and by patient."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import LeakError
from synthtrial.trial.guard import check, check_start


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


def test_weights_that_have_seen_a_test_patient_are_no_start(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    """Also when another model, which those weights started from, had seen it."""
    cohort = make_cohort()
    earlier = {"seen_cases": cohort.test[:1], "seen_patients": []}
    (tmp_path / "model.json").write_text(json.dumps({"seen_cases": [], "seen_patients": [], "start_from": earlier}))
    with pytest.raises(LeakError, match=rf"start_from .*were seen in training: {cohort.test[0]}"):
        check_start({"start_from": str(tmp_path)}, cohort, "holdout")
    check_start({"start_from": str(tmp_path)}, cohort, "pooled")
    check_start({"start_from": None}, cohort, "holdout")
