"""The tables of one arm of classifiers: `cases.csv`, `validation.csv`, `folds.csv` and `curves.csv`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from synthtrial.trial.classifying.class_model import ClassRecord
from synthtrial.trial.classifying.thresholds import choose_threshold
from synthtrial.trial.running.arm_plan import ArmPlan
from synthtrial.trial.scores import ENSEMBLE

LAST = ("label", "positive", "probability", "threshold", "predicted")
"""The columns that close `cases.csv` and `validation.csv`."""


class Judgement:
    """What the models of an arm say of cases, with thresholds that were chosen on cases which each model left out.

    Args:
        plan: of the arm.
        classes: the negative class and the positive one.
        rule: how a threshold is chosen: `half`, `youden` or `f1`.
        records: of all models.
    """

    def __init__(self, plan: ArmPlan, classes: tuple[str, str], rule: str, records: Sequence[ClassRecord]) -> None:
        self.plan, self.classes, self.rule, self.records = plan, classes, rule, records
        self.thresholds = {record.place: self._threshold(record.validation) for record in records}

    def validation(self) -> pd.DataFrame:
        """`validation.csv` without its constant columns: every model on the cases that it left out."""
        return pd.concat([self._rows(record, record.validation) for record in self.records], ignore_index=True)

    def cases(self) -> pd.DataFrame:
        """`cases.csv` without its constant columns: every model on the cases it is judged on, then the ensemble."""
        models = pd.concat([self._rows(record, record.judged) for record in self.records], ignore_index=True)
        mean = models.groupby("case_id", sort=False)["probability"].mean().reset_index()
        threshold = self._threshold(pd.concat([record.validation for record in self.records]))
        ensemble = self._complete(mean, threshold, fold=ENSEMBLE, repeat=0)
        return pd.concat([models, ensemble], ignore_index=True)

    def _rows(self, record: ClassRecord, said: pd.DataFrame) -> pd.DataFrame:
        return self._complete(said, self.thresholds[record.place], **record.place._asdict())

    def _complete(self, said: pd.DataFrame, threshold: float, fold: int | str, repeat: int) -> pd.DataFrame:
        """Add to `case_id, probability` who the case is, what it is, and what it is taken for."""
        facts = self.plan.cohort.cases.loc[said["case_id"], ["patient_id", "site", "label"]].reset_index(drop=True)
        said = said.reset_index(drop=True)
        positive = (said["probability"] >= threshold).to_numpy()
        return pd.DataFrame(
            {
                "fold": fold,
                "repeat": repeat,
                "case_id": said["case_id"],
                **facts.to_dict("series"),
                "positive": self.classes[1],
                "probability": said["probability"],
                "threshold": threshold,
                "predicted": np.where(positive, self.classes[1], self.classes[0]),
            }
        )

    def _threshold(self, said: pd.DataFrame) -> float:
        truth = self.plan.cohort.cases.loc[said["case_id"], "label"] == self.classes[1]
        return choose_threshold(truth.to_numpy(), said["probability"].to_numpy(), self.rule)


def fold_table(
    plan: ArmPlan, judgement: Judgement, cases: pd.DataFrame, validation: pd.DataFrame, named: dict[str, str]
) -> pd.DataFrame:
    """One row per model: what it was trained on, how it ended, its threshold, its validation and its test scores.

    A case that stands several times among the training cases counts once.
    """
    from synthtrial.classification.metrics import scores

    rows = []
    for record in judgement.records:
        fold, repeat = record.place
        distinct = plan.rows_of(record.place).drop_duplicates("case_id")
        counts = distinct["source"].value_counts()
        own = {"validation": validation, "test": cases}
        own = {part: table[(table["fold"] == fold) & (table["repeat"] == repeat)] for part, table in own.items()}
        rows.append(
            {
                **named,
                **record.place._asdict(),
                **{f"train_{source}": counts.get(source, 0) for source in ("real", "synthetic", "augmented")},
                "train_positive": int((distinct["label"] == judgement.classes[1]).sum()),
                "steps": record.steps,
                "final_loss": record.final_loss,
                "convergence": record.convergence,
                "remark": record.remark,
                "threshold": judgement.thresholds[record.place],
                **{f"{part}_{metric}": value for part, table in own.items() for metric, value in scores(table).items()},
                "seconds": round(record.seconds, 2),
            }
        )
    return pd.DataFrame(rows)


def curve_table(records: Sequence[ClassRecord]) -> pd.DataFrame:
    """One row per point of each model's curve: `fold, repeat, step, loss, validation_loss`; none of classic models."""
    rows = [record.place._asdict() | row for record in records for row in record.curve]
    return pd.DataFrame(rows, columns=["fold", "repeat", "step", "loss", "validation_loss"])
