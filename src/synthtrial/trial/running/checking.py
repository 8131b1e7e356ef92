"""Refusing to run an arm that is not what the study says."""

from __future__ import annotations

import pandas as pd

from synthtrial.errors import CohortError, ConfigError
from synthtrial.trial import guard
from synthtrial.trial.running.arm_plan import ArmPlan, Place


def check_plan(plan: ArmPlan) -> None:
    """Refuse an arm that was assembled from other cases, or that holds a case that it is judged on.

    Raises:
        LeakError: when a judged case, or its patient, is among the training cases.
        CohortError: when there is nothing to judge on, or the arm was assembled for other cases or another protocol.
        ConfigError: when a fold of it is empty.
    """
    cohort = plan.cohort
    guard.check_cohort(cohort, plan.protocol)
    for fold in range(len(cohort.folds)):
        rows = plan.rows_of(Place(fold))
        prepared = list(rows.loc[rows["source"] != "synthetic", "case_id"].unique())
        known = {*cohort.cases.index, *cohort.augmented.index}
        if unknown := [case_id for case_id in prepared if case_id not in known]:
            raise CohortError(
                f"arm {plan.arm.name!r} trains on {unknown[0]!r}, which the prepared cohort does not have: assemble "
                "again (pipelines/assemble.py)"
            )
        split = plan.protocol.split_of(fold)
        if other := sorted(set(rows.loc[rows["source"] == "synthetic", "split"]) - {split}):
            raise CohortError(
                f"arm {plan.arm.name!r} has cases drawn from the split {other[0]} for fold {fold}, where the protocol "
                f"{plan.protocol.name} has {split}: assemble again (pipelines/assemble.py)"
            )
        if rows.empty:
            raise ConfigError(f"arm {plan.arm.name!r} has no cases for fold {fold}: assemble again")
        seen = [cohort.source_of(case_id) for case_id in prepared]
        judged = plan.judged_by(Place(fold))
        guard.check_seen(cohort, judged, seen, plan.protocol.name, f"arm {plan.arm.name!r}, fold {fold}")
        _check_labels(plan, rows[rows["source"] != "synthetic"])


def _check_labels(plan: ArmPlan, rows: pd.DataFrame) -> None:
    """Refuse real cases that have been given another class since the arm was assembled."""
    cohort = plan.cohort
    for case_id, label in rows[["case_id", "label"]].drop_duplicates().itertuples(index=False):
        own = cohort.cases.at[cohort.source_of(case_id), "label"]
        if own != label:
            raise CohortError(
                f"arm {plan.arm.name!r} trains on {case_id!r} as {label!r}, and the prepared cohort has it as {own!r}: "
                "assemble again (pipelines/assemble.py)"
            )
