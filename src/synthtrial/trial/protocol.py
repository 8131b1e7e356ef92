"""Protocols: what each fold's generator may see, and which cases each fold's models are judged on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import ConfigError


@dataclass(frozen=True)
class Protocol:
    """How splits and folds are combined.

    Attributes:
        name: of the protocol, as `protocol.name` says it.
        sees: split that the generators of every fold are trained on; None for one generator per fold: `fold0`...
        judged_on_folds: models are judged on the fold that they left out, not on the test set.
        leaky: judged cases may have been seen by a generator; the report marks it.
    """

    name: str
    sees: str | None
    judged_on_folds: bool = False
    leaky: bool = False

    def split_of(self, fold: int) -> str:
        """The split whose generators fill the arms of a fold."""
        return self.sees or f"fold{fold}"

    def splits(self, folds: int) -> list[str]:
        """Every split that generators are trained on."""
        return list(dict.fromkeys(self.split_of(fold) for fold in range(folds)))

    def check_split_by(self, split_by: str) -> None:
        """Raise a ConfigError when a cohort that is split in this way (`prepare.split_by`) has nothing to judge on."""
        if self.judged_on_folds and split_by != "site":
            raise ConfigError(
                f"protocol.name is {self.name}, which leaves out one site after the other, but prepare.split_by is "
                f"{split_by!r}: set prepare.split_by=site prepare.test_fraction=0 prepare.folds=<number of sites>"
            )
        if split_by == "site" and not self.judged_on_folds:
            raise ConfigError(
                f"prepare.split_by is 'site', which leaves no test set, but the protocol {self.name} judges on one: "
                "set protocol=site_out, or prepare.split_by=patient prepare.test_fraction=0.2"
            )

    def split_per_training_case(self, folds: int, test_fraction: float) -> float:
        """Cases of the split that a fold's generators see, per real case that the fold trains on; about, before cases
        are dealt."""
        if self.sees is None:
            return 1.0
        development = folds / (folds - 1)
        return development / (1 - test_fraction) if self.sees == "all" else development

    def judged(self, cohort: PreparedCohort, fold: int) -> list[str]:
        """Ids of the cases that the verdict judges the models of a fold on."""
        return cohort.folds[fold] if self.judged_on_folds else cohort.test

    def unseen(self, cohort: PreparedCohort, fold: int) -> list[str]:
        """Ids of the cases that neither the models nor the generators of a fold may have seen."""
        if self.leaky:
            return []
        return self.judged(cohort, fold) if self.sees else [*cohort.test, *cohort.folds[fold]]

    def unseen_by(self, cohort: PreparedCohort, split: str) -> list[str]:
        """Ids of the cases that a generator may not have seen, given the split that it is trained on."""
        folds = [fold for fold in range(len(cohort.folds)) if self.split_of(fold) == split]
        return list(dict.fromkeys(case_id for fold in folds for case_id in self.unseen(cohort, fold)))


def split_seed(seed: int, split: str) -> int:
    """Seed of a split's generator, and of what is drawn from it.

    Generators of folds have seeds of their own, so that the luck of a generator's training and of its cases is part of
    the variance between folds, which the verdict counts. A generator that all folds share keeps the study's seed.

    Args:
        seed: of the study.
        split: `development`, `all`, or `fold0`, `fold1`...
    """
    fold = split.removeprefix("fold")
    if not fold.isdigit():
        return seed
    return int(np.random.SeedSequence(seed, spawn_key=(int(fold),)).generate_state(1)[0])


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("holdout", sees="development"),
        Protocol("nested", sees=None),
        Protocol("pooled", sees="all", leaky=True),
        Protocol("site_out", sees=None, judged_on_folds=True),
    )
}


def protocol_of(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        ConfigError: when there is none.
    """
    if name not in PROTOCOLS:
        raise ConfigError(f"unknown protocol {name!r} (protocol.name); there are: {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
