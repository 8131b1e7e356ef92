"""The results of a finished study as one object; all that the page says is a function of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.report.figure_style import arm_colours, arm_markers
from synthtrial.segmentation.metrics import in_words
from synthtrial.trial.learning_arms import LearningCurve, read_curve
from synthtrial.trial.scores import ENSEMBLE
from synthtrial.trial.verdict import verdict


@dataclass(frozen=True)
class Synthesis:
    """What one generator, trained on one split, left behind.

    Attributes:
        draw, split: its place in the study.
        generator: the generator that it was drawn from.
        model: content of `model.json`.
        losses: content of `losses.csv`: `images` and one column per loss term.
        smooth_losses: the same of `losses_smooth.csv`, moving averages.
        loss_summary: content of `losses_summary.csv`, one row per loss term.
        cohort: the cases drawn from it.
        fidelity: content of `fidelity.json`.
        fidelity_figures: PNGs and GIFs of the fidelity stage.
        features: what the fidelity stage kept of each extractor: `real`, `real_ids`, `synthetic`, `synthetic_ids`.
        lesions: content of `lesions.csv`: properties of the lesions, real against synthetic.
        amounts: content of `amounts.csv`: distances of parts of the synthetic cases.
        samples: grid of samples at the end of training.
        reconstructions: grid of real cases, encoded and generated again, of a family that can do so.
    """

    draw: str
    split: str
    generator: str
    model: dict[str, Any]
    losses: pd.DataFrame
    smooth_losses: pd.DataFrame
    loss_summary: pd.DataFrame
    cohort: SyntheticCohort
    fidelity: dict[str, Any]
    fidelity_figures: list[Path]
    features: dict[str, dict[str, np.ndarray]]
    lesions: pd.DataFrame
    amounts: pd.DataFrame
    samples: Path | None
    reconstructions: Path | None


@dataclass(frozen=True)
class Results:
    """Everything a finished study has to say.

    Attributes:
        folder: the study's folder, `out/<study>/`.
        params: the study's parameters: `study, protocol, report`, and the lists of names.
        provenance: how it was made: `git_revision, params_hash, data_hash, command`, and what else the caller knows.
        cohort: the prepared real cases.
        profile: content of `profile.json`.
        syntheses: one per generator and split.
        fold_scores: all `folds.csv` together: one row per arm, segmenter, fold and repeat.
        case_scores: all `cases.csv` together: one row per arm, segmenter, fold (or `ensemble`), repeat and test case.
        curves: all `curves.csv` together, with `arm` and `segmenter`.
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
    def level(self) -> str:
        """Coverage of the intervals, in words."""
        return f"{100 * (1 - self.params['protocol']['alpha']):.0f} %"

    @property
    def arms(self) -> list[str]:
        """Names of the arms that the verdict is about, the reference first: all but those of the learning curve."""
        added = self.learning_curve.added if self.learning_curve else []
        names = [name for name in self.params["arm_names"] if name not in added]
        return [self.reference] + [name for name in names if name != self.reference]

    @property
    def learning_curve(self) -> LearningCurve | None:
        """Which arms were trained again with fewer real cases."""
        return read_curve(self.params.get("learning_curve"))

    @property
    def segmenters(self) -> list[str]:
        """Names of the segmenters."""
        return list(self.params["segmenter_names"])

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

    def segment_folder(self, arm: str, segmenter: str) -> Path:
        """Folder of one arm's results with one segmenter."""
        return self.folder / "segment" / arm / segmenter

    def ensemble(self, segmenter: str, arm: str) -> pd.DataFrame:
        """The ensemble's rows of `case_scores`, one per test case."""
        scores = self._scores(segmenter, arm)
        return scores[scores["fold"] == ENSEMBLE]

    def fold_models(self, segmenter: str, arm: str) -> pd.DataFrame:
        """The fold models' rows of `case_scores`, one per fold and test case."""
        scores = self._scores(segmenter, arm)
        return scores[scores["fold"] != ENSEMBLE]

    def _scores(self, segmenter: str, arm: str) -> pd.DataFrame:
        scores = self.case_scores
        return scores[(scores["segmenter"] == segmenter) & (scores["arm"] == arm)]
