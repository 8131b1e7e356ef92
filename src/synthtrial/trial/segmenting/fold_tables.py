"""The tables of one arm: `folds.csv`, `cases.csv` and `curves.csv`."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from synthtrial.trial.running.arm_plan import ArmPlan
from synthtrial.trial.scores import ENSEMBLE, patient_mean
from synthtrial.trial.segmenting.fold_model import ModelRecord
from synthtrial.trial.segmenting.judging import Row


def case_table(judged: Sequence[Sequence[Row]], named: dict[str, str]) -> pd.DataFrame:
    """One row per model and judged case, in the order of fold, repeat and case; the ensemble last.

    Args:
        judged: the rows of each case.
        named: the constant columns that open the table.
    """
    rows = [named | row for case_rows in judged for row in case_rows]
    models = [row for row in rows if row["fold"] != ENSEMBLE]
    models.sort(key=lambda row: (row["fold"], row["repeat"]))  # stable: cases stay in their order
    return pd.DataFrame([*models, *(row for row in rows if row["fold"] == ENSEMBLE)])


def fold_table(
    plan: ArmPlan, records: Sequence[ModelRecord], cases: pd.DataFrame, named: dict[str, str]
) -> pd.DataFrame:
    """One row per model: what it was trained on, how it ended, and its validation and test Dice.

    A case that stands several times among the training cases counts once.
    """
    rows = []
    for record in records:
        fold, repeat = record.place
        distinct = plan.rows_of(record.place).drop_duplicates("case_id")
        counts = distinct["source"].value_counts()
        own = cases[(cases["fold"] == fold) & (cases["repeat"] == repeat)]
        validation = own if record.validation is None else record.validation
        validated = [name for name in validation if name == "dice" or name.startswith("dice/")]
        rows.append(
            {
                **named,
                **record.place._asdict(),
                **{f"train_{source}": counts.get(source, 0) for source in ("real", "synthetic", "augmented")},
                "steps": record.steps,
                "final_loss": record.final_loss,
                "convergence": record.convergence,
                "remark": record.remark,
                **{f"validation_{metric}": patient_mean(validation, metric) for metric in validated},
                "test_dice": patient_mean(own, "dice"),
                "seconds": round(record.seconds, 2),
            }
        )
    return pd.DataFrame(rows)


def curve_table(records: Sequence[ModelRecord]) -> pd.DataFrame:
    """One row per point of each model's curve: `fold, repeat, step, loss, validation_dice`."""
    return pd.DataFrame([record.place._asdict() | row for record in records for row in record.curve])
