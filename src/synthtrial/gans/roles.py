"""Which cases of a split a generator learns from, and as what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import ConfigError
from synthtrial.params import target_of
from synthtrial.setting_types import check_arguments


@dataclass(frozen=True)
class Roles:
    """The cases of a split by what a generator does with them.

    Attributes:
        real: cases that it learns to make.
        source: cases that it learns to translate; empty for a family that translates none.
        classes: names of the classes that it tells apart; empty when all cases are alike to it.
        label: index among `classes` of each case that has one of them.
    """

    real: list[str]
    source: list[str]
    classes: list[str]
    label: dict[str, int]

    @property
    def seen(self) -> list[str]:
        """Every case that has a role, the real ones first."""
        return list(dict.fromkeys([*self.real, *self.source]))

    def with_copies(self, cohort: PreparedCohort) -> Roles:
        """The same with the augmented copies that `prepare` made of the cases, in the roles of their originals."""
        real, source = (case_ids + cohort.augmented_of(case_ids) for case_ids in (self.real, self.source))
        label = {copy: self.label[cohort.source_of(copy)] for copy in cohort.augmented_of(list(self.label))}
        return Roles(real, source, self.classes, self.label | label)


@dataclass(frozen=True, kw_only=True)
class Domains:
    """The keys of a translating generator's `domains`: the column that tells domains apart, and two of its values."""

    column: str
    source: str
    target: str


def makes_classes(config: dict[str, Any]) -> bool:
    """Whether each case drawn from a generator has a class, where the real cases have one.

    So it is for one that learns a single class, is told which of several to make, translates from class to class or
    from site to site, or keeps cases, as controls do. `synthesis.draws.label_of` says which class that is.

    Args:
        config: a generator's configuration.

    Raises:
        ConfigError: when its family can't be imported.
    """
    classes = config.get("classes") or []
    if config.get("train") is None or config.get("domains") or len(classes) == 1:
        return True
    return bool(classes) and bool(getattr(target_of(config), "takes_class", False))


def roles_of(
    config: dict[str, Any], cohort: PreparedCohort, case_ids: Sequence[str], unlabelled: bool = False
) -> Roles:
    """Give every case of a split its role.

    Args:
        config: a generator's configuration: its `classes` and, where it translates, its `domains`.
        cohort: the prepared cohort.
        case_ids: the cases of the split.
        unlabelled: whether cases without any of several classes are learned from, too.

    Raises:
        ConfigError: for a class, site or column that the split doesn't have.
    """
    domains, classes = config.get("domains"), list(config.get("classes") or [])
    source: list[str] = []
    real = list(case_ids)
    if domains:
        check_arguments(Domains, domains, "domains")
        if domains["column"] not in ("label", "site"):
            raise ConfigError(f"domains.column is {domains['column']!r}; there are: label (the class), site")
        by_domain = grouped(cohort, case_ids, domains["column"])
        source, real = (members(by_domain, domains[role], f"domains.{role}") for role in ("source", "target"))
    if domains and domains["column"] == "site" and classes:
        # A translation from site to site keeps the class: sources of another one would be made to look like these.
        of_source, key = grouped(cohort, source, "label"), f"classes (of domains.source {domains['source']!r})"
        source = [case_id for name in classes for case_id in members(of_source, name, key)]
    by_class = grouped(cohort, real, "label")
    label = {
        case_id: index for index, name in enumerate(classes) for case_id in members(by_class, name, f"classes[{index}]")
    }
    if classes and not (unlabelled and len(classes) > 1):
        real = [case_id for case_id in real if case_id in label]
    return Roles(real, source, classes if len(classes) > 1 else [], label if len(classes) > 1 else {})


def grouped(cohort: PreparedCohort, case_ids: Sequence[str], column: str) -> dict[str, list[str]]:
    """Cases by what they have in a column of the case table."""
    groups: dict[str, list[str]] = {}
    for case_id, value in cohort.cases.loc[list(case_ids), column].items():
        groups.setdefault(str(value), []).append(str(case_id))
    return groups


def members(groups: dict[str, list[str]], name: str, key: str) -> list[str]:
    """The cases of one group.

    Raises:
        ConfigError: when there is no such group; the message says which there are.
    """
    if name not in groups:
        known = ", ".join(repr(group) for group in sorted(groups))
        raise ConfigError(f"{key} is {name!r}, but no training case has that; there are: {known}")
    return groups[name]
