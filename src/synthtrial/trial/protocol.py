"""Protocols: what each fold's generator may see, and which cases each fold's models are judged on."""

from __future__ import annotations

from dataclasses import dataclass

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

    def judged(self, cohort: PreparedCohort, fold: int) -> list[str]:
        """Ids of the cases that the verdict judges the models of a fold on."""
        return cohort.folds[fold] if self.judged_on_folds else cohort.test

    def unseen(self, cohort: PreparedCohort, fold: int) -> list[str]:
        """Ids of the cases that neither the models nor the generators of a fold may have seen."""
        if self.leaky:
            return []
        return self.judged(cohort, fold) if self.sees else [*cohort.test, *cohort.folds[fold]]


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
