"""What is to be trained and judged for one arm: one model per fold and repeat."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import ConfigError
from synthtrial.hashing import known_sha256
from synthtrial.processes import processes_of
from synthtrial.trial.arm import Arm
from synthtrial.trial.protocol import Protocol


class Place(NamedTuple):
    """A model's place in an arm.

    Attributes:
        fold: the fold that it left out.
        repeat: which training of that fold, from 0.
    """

    fold: int
    repeat: int = 0

    @property
    def slug(self) -> str:
        """Its name in folders and on the command line, such as `fold2-repeat0`."""
        return f"fold{self.fold}-repeat{self.repeat}"

    def __str__(self) -> str:
        return f"fold {self.fold}" + (f", repeat {self.repeat}" if self.repeat else "")


@dataclass(frozen=True, eq=False)
class ArmPlan:
    """All that a process has to know to train and judge any model of one arm.

    Attributes:
        arm: the arm.
        rows: content of `arms/<arm>.csv`.
        cohort: the real cases.
        study: folder that the paths in the rows start from.
        protocol: which cases the models of a fold are judged on.
        repeats: trainings per fold.
        settings: content of a `conf/segmenter` or `conf/classifier` file.
        trainer: `accelerator`, `devices`, `precision`, and optionally `nodes`, `threads` and `loader_workers`.
        seed: seed of the study.
        checkpoints: folder of finished models.
    """

    arm: Arm
    rows: pd.DataFrame
    cohort: PreparedCohort
    study: Path
    protocol: Protocol
    repeats: int
    settings: Mapping[str, Any]
    trainer: Mapping[str, Any]
    seed: int
    checkpoints: Path

    @property
    def places(self) -> list[Place]:
        """Every model, repeat by repeat, so that all folds have one model before any has two."""
        return [Place(fold, repeat) for repeat in range(self.repeats) for fold in range(len(self.cohort.folds))]

    def place(self, slug: str) -> Place:
        """The place of a name such as `fold2-repeat0`.

        Raises:
            ConfigError: when the arm has no such model.
        """
        places = {place.slug: place for place in self.places}
        if slug not in places:
            raise ConfigError(f"arm {self.arm.name!r} has no model {slug!r}; there are: {', '.join(places)}")
        return places[slug]

    @property
    def judged(self) -> list[str]:
        """Ids of all cases that the verdict judges a model on."""
        return list(dict.fromkeys(case_id for place in self.places for case_id in self.judged_by(place)))

    def judged_by(self, place: Place) -> list[str]:
        """Ids of the cases that the verdict judges one model on."""
        return self.protocol.judged(self.cohort, place.fold)

    def judges_of(self, case_id: str) -> list[Place]:
        """The models that may judge a case."""
        return [place for place in sorted(self.places) if case_id in self.judged_by(place)]

    def rows_of(self, place: Place) -> pd.DataFrame:
        """The training cases of one model."""
        return self.rows[self.rows["fold"] == place.fold]

    def seed_of(self, place: Place) -> int:
        """Seed of one model's training."""
        return fold_seed(self.seed, place.fold, place.repeat, self.arm.reseed)

    def checkpoint(self, place: Place, *more: Any) -> Path:
        """Folder of a finished model, named by a hash of all that the model and its curve depend on.

        Args:
            place: of the model.
            more: what the models of one task depend on beside what all do; goes through JSON.
        """
        rows = self.rows_of(place)
        content = [
            rows[["case_id", "source", "label", "sha256", "mask_sha256"]].to_numpy().tolist(),
            [self._case_hashes[case_id] for case_id in self.cohort.folds[place.fold]],
            self.cohort.facts,
            self.settings,
            [self.trainer["accelerator"], processes_of(self.trainer), self.trainer["precision"]],
            self.arm.pretrain,
            self.arm.balance,
            self.seed_of(place),
            *more,
        ]
        return self.checkpoints / f"{place.slug}-{_short_hash(content)}"

    def judged_key(self, place: Place) -> str:
        """Hash of the cases that one model is judged on, which names what is kept of its answers."""
        return _short_hash([self._case_hashes[case_id] for case_id in self.judged_by(place)])

    @cached_property
    def _case_hashes(self) -> dict[str, list[str]]:
        """Id, class and hashes of every real case, which are validated or judged on."""
        folder = self.cohort.folder
        return {
            row["case_id"]: [
                row["case_id"],
                row["label"],
                *(known_sha256(folder / row[kind]) for kind in ("image", "mask") if row[kind]),
            ]
            for row in self.cohort.cases.to_dict("records")
        }


def _short_hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=list).encode()).hexdigest()[:16]


def fold_seed(seed: int, fold: int, repeat: int = 0, reseed: int = 0) -> int:
    """Seed of a model's training: the same fold and repeat of every arm have the same, unless the arm is reseeded.

    Args:
        seed: of the study.
        fold: that the model leaves out.
        repeat: which training of the fold.
        reseed: of the arm.
    """
    return int(np.random.SeedSequence([seed, fold, repeat, reseed]).generate_state(1)[0])
