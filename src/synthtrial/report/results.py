"""The results of a finished study as one object; all that the page says is a function of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.report.figure_style import arm_colours, arm_markers
from synthtrial.report.synthesis import Synthesis
from synthtrial.tasks import CLASSIFY, SEGMENT, TASKS
from synthtrial.trial.learning_arms import LearningCurve, read_curve
from synthtrial.trial.metric_words import in_words
from synthtrial.trial.scores import ENSEMBLE, scored
from synthtrial.trial.verdict import verdict
from synthtrial.trial.words import coverage


def stage_of(params: dict[str, Any]) -> str:
    """The stage that made the results; studies from before there was a choice segment."""
    return params.get("task", SEGMENT.stage)


def trained_pairs(params: dict[str, Any]) -> list[tuple[str, str]]:
    """Every arm with every segmenter or classifier that was trained on it."""
    if stage_of(params) == CLASSIFY.stage:
        return [(place["arm"], place["classifier"]) for place in params["classify_places"].values()]
    return [(arm, model) for arm in params["arm_names"] for model in params["segmenter_names"]]


@dataclass(frozen=True)
class Results:
    """Everything a finished study has to say.

    Attributes:
        folder: the study's folder, `out/<study>/`.
        params: the study's parameters: `study, task, protocol, report`, and the lists of names.
        provenance: how it was made: `git_revision, params_hash, data_hash, command`, and what else the caller knows.
        cohort: the prepared real cases.
        profile: content of `profile.json`.
        syntheses: one per generator and split.
        fold_scores: all `folds.csv` together: one row per arm, model, fold and repeat.
        case_scores: all `cases.csv` together: one row per arm, model, fold (or `ensemble`), repeat and test
            case. The model is a segmenter or a classifier.
        validation_scores: of a classification all `validation.csv` together, like `case_scores`; else no rows.
        curves: all `curves.csv` together, with `arm` and `model`.
        stages: one row per stage run: `stage, item, started, wall_s, training_s, peak_rss_mb, git_revision, versions,
            machine`.
    """

    folder: Path
    params: dict[str, Any]
    provenance: dict[str, Any]
    cohort: PreparedCohort
    profile: dict[str, Any]
    syntheses: list[Synthesis]
    fold_scores: pd.DataFrame
    case_scores: pd.DataFrame
    validation_scores: pd.DataFrame
    curves: pd.DataFrame
    stages: pd.DataFrame

    @property
    def study(self) -> str:
        """Name of the study."""
        return self.params["study"]["name"]

    @property
    def protocol(self) -> str:
        """Who was allowed to see what: the name of one of `trial.protocol.PROTOCOLS`."""
        return self.params["protocol"]["name"]

    @property
    def reference(self) -> str:
        """The arm that the others are compared with."""
        return self.params["protocol"]["reference"]

    @property
    def metric(self) -> str:
        """What the verdict compares, in words, such as `Dice`, `Dice of tumour` or `HD95 (mm)`."""
        return in_words(self.params["protocol"]["metric"])

    @property
    def alpha(self) -> float:
        """One minus the coverage of the intervals."""
        return self.params["protocol"]["alpha"]

    @property
    def level(self) -> str:
        """Coverage of the intervals, in words."""
        return coverage(self.alpha)

    @property
    def arms(self) -> list[str]:
        """Names of the arms that the verdict is about, the reference first: all but those of the learning curve."""
        added = self.learning_curve.added if self.learning_curve else []
        names = [name for name in self.params["arm_names"] if name not in added]
        return [self.reference] + [name for name in names if name != self.reference]

    def arms_of(self, model: str) -> list[str]:
        """Those of `arms` that a model was trained on: classic models know no focal loss and no pretraining."""
        trained = {arm for arm, name in trained_pairs(self.params) if name == model}
        return [arm for arm in self.arms if arm in trained]

    @property
    def learning_curve(self) -> LearningCurve | None:
        """Which arms were trained again with fewer real cases."""
        return read_curve(self.params.get("learning_curve"))

    @property
    def task(self) -> str:
        """What models learn from the arms: `segment` or `classify`."""
        return stage_of(self.params)

    @property
    def model_word(self) -> str:
        """What a model is called on the page."""
        return TASKS[self.task].model

    def called(self, model: str) -> str:
        """A model's name as a heading, such as `Classifier cnn`."""
        return f"{self.model_word.capitalize()} {model}"

    @property
    def models(self) -> list[str]:
        """Names of all segmenters or classifiers."""
        return list(self.params[TASKS[self.task].names])

    @property
    def baselines(self) -> list[str]:
        """Classifiers that are trained on the reference alone, though there are other arms, such as size alone."""
        alone = [name for name in self.models if self.arms_of(name) == [self.reference]]
        return alone if len(self.arms) > 1 else []

    @property
    def contenders(self) -> list[str]:
        """The models whose arms are compared: all but the baselines, unless there is nothing else."""
        baselines = self.baselines
        return [name for name in self.models if name not in baselines] or baselines

    @property
    def classes(self) -> tuple[str, str]:
        """Names of a classification's two classes, the positive one last."""
        positive = self.params["protocol"]["positive"]
        (negative,) = (name for name in self.cohort.facts["classes"] if name != positive)
        return negative, positive

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of the report."""
        return self.params["report"]

    @property
    def colours(self) -> dict[str, str]:
        """The colour of each arm in every figure."""
        return arm_colours(self.arms, self.reference)

    @property
    def markers(self) -> dict[str, str]:
        """The marker of each arm in every figure."""
        return arm_markers(self.arms, self.reference)

    @property
    def label_columns(self) -> list[str]:
        """Columns of `case_scores` that hold the Dice of one label; empty when there is only one label."""
        columns = [f"dice/{label}" for label in self.cohort.labels]
        return columns if len(columns) > 1 else []

    @cached_property
    def verdict(self) -> dict[str, Any]:
        """The verdict on every arm, as `verdict.json` has it."""
        return verdict(
            self.case_scores[self.case_scores["arm"].isin(self.arms)],
            reference=self.reference,
            metric=self.params["protocol"]["metric"],
            alpha=self.params["protocol"]["alpha"],
            study=self.study,
            protocol=self.protocol,
        )

    @property
    def trainings(self) -> list[Synthesis]:
        """One synthesis of each generator and split."""
        return list({(one.generator, one.split): one for one in reversed(self.syntheses)}.values())[::-1]

    @property
    def pictured(self) -> list[Synthesis]:
        """The syntheses whose pictures the page shows: those of the first split. Tables and warnings have all."""
        return [one for one in self.syntheses if one.split == self.params["splits"][0]]

    def where_others_are(self, stage: str) -> str:
        """A sentence on the pictures of the other splits; empty where there is one split.

        Args:
            stage: folder that the pictures are in, `fidelity` or `models`.
        """
        first, *others = self.params["splits"]
        if not others:
            return ""
        return (
            f"Pictures are of split {first} alone, since {len(others)} more splits look much the same; theirs are in "
            f"{self.folder.name}/{stage}/. Figures in tables are of every split."
        )

    def place(self, draw: str, split: str) -> str:
        """A draw's name, with its split where the study has several."""
        return f"{draw}, {split}" if len(self.params["splits"]) > 1 else draw

    def model_folder(self, arm: str, model: str) -> Path:
        """Folder of one arm's results with one segmenter or classifier."""
        return self.folder / self.task / arm / model

    @cached_property
    def patient_scores(self) -> pd.DataFrame:
        """`case_scores` with the protocol's metric per case, or of a classification its pseudo-value per patient."""
        return scored(self.case_scores, self.params["protocol"]["metric"])

    def ensemble(self, model: str, arm: str) -> pd.DataFrame:
        """The ensemble's rows of `case_scores`, one per test case."""
        scores = self._scores(model, arm)
        return scores[scores["fold"] == ENSEMBLE]

    def fold_models(self, model: str, arm: str) -> pd.DataFrame:
        """The fold models' rows of `case_scores`, one per fold and test case."""
        scores = self._scores(model, arm)
        return scores[scores["fold"] != ENSEMBLE]

    def _scores(self, model: str, arm: str) -> pd.DataFrame:
        scores = self.case_scores
        return scores[(scores["model"] == model) & (scores["arm"] == arm)]
