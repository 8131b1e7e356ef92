"""Arms: the competing training sets of a trial, written out case by case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from synthtrial.atomic import atomic_folder
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.errors import ConfigError
from synthtrial.trial import guard
from synthtrial.trial.arm import Arm
from synthtrial.trial.arm_checks import unknown_draw
from synthtrial.trial.arm_rows import COLUMNS, Row, RowWriter, check_both_classes, phases_of
from synthtrial.trial.choosing import (
    augmented_subset,
    duplicates,
    oversampled,
    real_subset,
    synthetic_subset,
    training_cases,
)
from synthtrial.trial.draw import Redraw
from synthtrial.trial.drawn import check_apart, check_classes_drawn, check_drawn, sources
from synthtrial.trial.protocol import Protocol
from synthtrial.trial.reading import Models, Synthetic


def assemble(
    arms: Sequence[Arm],
    cohort: PreparedCohort,
    synthetic: Synthetic,
    models: Models,
    *,
    protocol: Protocol,
    seed: int,
    folder: Path,
    redraw: Redraw | None = None,
    by_class: bool = False,
) -> None:
    """Write `<arm>.csv` for every arm into `folder`, the `arms/` folder of a study.

    Every fold trains on the cases of the other folds, and on accepted synthetic cases drawn anew for each fold, without
    replacement; so which synthetic cases a fold got is part of the variance between folds. The choice depends on the
    seed and the fold, not on the arm: an arm with more cases holds all those of an arm with fewer.

    Args:
        arms: the arms.
        cohort: the real cases.
        synthetic: the synthetic ones.
        models: what their generators are and have seen.
        protocol: which generator fills which fold, and what it may have seen.
        seed: seed of the choices.
        folder: the folder to write, replaced as a whole.
        redraw: what is drawn and how to draw more, for the message when there is too little.
        by_class: whether cases are there to learn classes from: shares are then taken of each class, and every
            synthetic case must have a class.

    Raises:
        ConfigError: when an arm asks for a generator or for more cases than there are.
        CohortError: when synthetic cases are not those of the study's generators, or don't fit the cohort.
        LeakError: when a case that is judged on, or its patient, is in an arm or was seen by a generator of it.
    """
    guard.check_cohort(cohort, protocol)
    filling = Filling(
        cohort, synthetic, models, protocol, seed, redraw or Redraw(), RowWriter(cohort, folder), by_class
    )
    with atomic_folder(folder) as partial:
        for arm in arms:
            rows = [row for fold in range(len(cohort.folds)) for row in filling.rows(arm, fold)]
            pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(partial / f"{arm.name}.csv", index=False)


def read_arm(path: Path) -> pd.DataFrame:
    """Read `arms/<arm>.csv`; `fold` is an integer, everything else text.

    Raises:
        ConfigError: when the file is missing.
    """
    if not path.is_file():
        raise ConfigError(f"no arm in {path}: run `dvc repro` (or pipelines/assemble.py) first")
    return pd.read_csv(path, dtype=dict.fromkeys(COLUMNS, str) | {"fold": int}, keep_default_na=False)


@dataclass(frozen=True)
class Filling:
    """Fills arms, fold by fold; what it holds are the arguments of `assemble`, and `write`, which makes the rows."""

    cohort: PreparedCohort
    synthetic: Synthetic
    models: Models
    protocol: Protocol
    seed: int
    redraw: Redraw
    write: RowWriter
    by_class: bool = False

    def rows(self, arm: Arm, fold: int) -> list[Row]:
        """All training cases of a fold: the real ones, copies of them, and synthetic ones."""
        real = self._real(arm, fold)
        copied = self._of_class(arm, real)
        again = duplicates(copied, fold, self._count(arm, "duplicated", arm.duplicated, fold), self.seed)
        copies = self._copies(arm, copied, fold)
        where = f"arm {arm.name!r}, fold {fold}, real cases"
        seen = [*real, *map(self.cohort.source_of, copies)]
        guard.check_seen(self.cohort, self.protocol.judged(self.cohort, fold), seen, self.protocol.name, where)
        drawn = {draw: self._drawn(arm, draw, fold) for draw in arm.synthetic}
        check_apart(drawn, arm.name)
        rows = [
            *self.write.real(fold, [*real, *again]),
            *self.write.augmented(fold, copies),
            *(row for rows in drawn.values() for row in rows),
        ]
        if arm.balance == "oversampling":
            together = phases_of(rows, arm)[-1]
            rows += self.write.real(fold, oversampled(together, real, self.cohort, fold, self.seed))
        if self.by_class:
            check_both_classes(rows, arm, fold, sorted(set(self.cohort.cases["label"])))
        return rows

    def _real(self, arm: Arm, fold: int) -> list[str]:
        """The arm's share of the real training cases of a fold."""
        self._count(arm, "real", arm.real, fold)
        return real_subset(self.cohort, fold, arm.real, self.seed, self.by_class)

    def _of_class(self, arm: Arm, case_ids: Sequence[str]) -> list[str]:
        """Those of some real cases that an arm's numbers are about."""
        if not arm.of:
            return list(case_ids)
        chosen = [case_id for case_id in case_ids if self.cohort.cases.at[case_id, "label"] == arm.of]
        if not chosen:
            known = ", ".join(sorted(set(self.cohort.cases["label"]) - {""})) or "none"
            raise ConfigError(f"arms.{arm.name}.of is {arm.of!r}, but no real case of a fold has that class: {known}")
        return chosen

    def _count(self, arm: Arm, key: str, per_real: float, fold: int) -> int:
        """Cases, given how many there are to be per real training case of the fold; none only where none are wanted."""
        n_real = len(self._of_class(arm, training_cases(self.cohort, fold)))
        count = round(per_real * n_real)
        if per_real and not count:
            raise ConfigError(
                f"arms.{arm.name}.{key} is {per_real:g}, which is no case at all of the {n_real} real training cases "
                f"of fold {fold}: raise it above {0.5 / n_real:.2g}, or leave the arm out"
            )
        return count

    def _copies(self, arm: Arm, real: Sequence[str], fold: int) -> list[str]:
        """Altered copies of the arm's real cases."""
        there, wanted = self.cohort.augmented_of(real), self._count(arm, "augmented", arm.augmented, fold)
        if wanted > len(there):
            raise ConfigError(
                f"arm {arm.name!r} asks for {wanted} altered copies ({arm.augmented:g} per real case of fold {fold}), "
                f"but {self.cohort.folder / 'augmented.csv'} has {len(there)} of the {len(real)} real cases that the "
                "arm trains on: raise prepare.augment.copies, give prepare.augment a further kind (affine, elastic, "
                "resample), or lower the arm's number"
            )
        return augmented_subset(there, fold, wanted, self.seed)

    def _drawn(self, arm: Arm, draw: str, fold: int) -> list[Row]:
        """Rows of synthetic cases of one draw, once the guard has let them pass."""
        if draw not in self.synthetic:
            raise ConfigError(unknown_draw(arm, draw, self.synthetic))
        split = self.protocol.split_of(fold)
        drawn, model = self.synthetic[draw][split], self.models[draw][split]
        check_drawn(drawn, self.cohort, split, model, needs_masks=not self.by_class)
        if self.by_class:
            check_classes_drawn(drawn, self.cohort, arm)
        where = f"arm {arm.name!r}, fold {fold}, generator {draw!r}"
        unseen = self.protocol.unseen(self.cohort, fold)
        provenance = (drawn.facts, model, sources(drawn, self.cohort))
        guard.check_generator(self.cohort, unseen, provenance, self.protocol.name, where)
        wanted = self._count(arm, f"synthetic.{draw}", arm.synthetic[draw], fold)
        if wanted > len(drawn.accepted):
            raise ConfigError(self._too_few(arm, draw, drawn, wanted, fold))
        return self.write.synthetic(fold, drawn, synthetic_subset(drawn, fold, wanted, self.seed))

    def _too_few(self, arm: Arm, draw: str, drawn: SyntheticCohort, wanted: int, fold: int) -> str:
        accepted, n_real = len(drawn.accepted), len(self._of_class(arm, training_cases(self.cohort, fold)))
        there = (
            f"arm {arm.name!r} asks for {wanted} synthetic cases of {draw!r} ({arm.synthetic[draw]:g} per real one, "
            f"{n_real} real in fold {fold}), but {drawn.folder} has {accepted} accepted of {len(drawn.manifest)} drawn"
        )
        if drawn.facts["conditions_on"] == "source":
            return f"{there}, and a translator makes one case of each of its sources: lower the arm's ratio"
        # Where gates reject many, more have to be asked for than are wanted.
        per_real = max(
            wanted / len(self.cohort.split(self.protocol.split_of(fold))),
            self.redraw.per_real(draw) * wanted / max(accepted, 1),
        )
        return f"{there}. Lower the arm's ratio, or draw more: {self.redraw.command(draw, per_real)}"
