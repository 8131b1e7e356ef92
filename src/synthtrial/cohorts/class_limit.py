"""Taking so many cases of a class, when a cohort holds far more than a study wants."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from synthtrial.cohorts.case import CaseRef
from synthtrial.errors import ConfigError

STREAM = 20_24
"""Keeps the choice apart from all else that the study's seed decides."""


def limited(refs: Sequence[CaseRef], limit: Mapping[str, int | None], seed: int) -> list[CaseRef]:
    """Take as many cases of each class as its limit says, from as many patients as can be.

    Patients come in random order: first one case of each, then a second one, until the limit is reached. To take
    whole patients would leave few of them: in ISIC 2024 a patient has some 300 benign pictures. A smaller limit takes
    a part of what a larger one takes. The splits keep the cases of a patient together in any case.

    Args:
        refs: all cases.
        limit: class -> number of its cases; None, and a class that is not named: all.
        seed: of the choice. It does not depend on the other classes.

    Returns:
        The cases that are left, in their order.

    Raises:
        ConfigError: for a class that there is not, or more cases than it has.
    """
    sizes = Counter(ref.label for ref in refs if ref.label)
    for label, count in limit.items():
        if label not in sizes:
            known = ", ".join(sorted(sizes)) or "none"
            raise ConfigError(f"prepare.limit: the cohort has no class {label!r}; its classes are {known}")
        if count is not None and count > sizes[label]:
            raise ConfigError(
                f"prepare.limit.{label} is {count}, but the cohort has {sizes[label]} cases of it: set null for all"
            )
    taken: set[str] = set()
    for label in sizes:
        of_class = [ref for ref in refs if ref.label == label]
        taken |= {ref.case_id for ref in _in_turns(of_class, label, seed)[: limit.get(label)]}
    return [ref for ref in refs if not ref.label or ref.case_id in taken]


def _in_turns(refs: list[CaseRef], label: str, seed: int) -> list[CaseRef]:
    """The cases of a class in the order in which they are taken."""
    rng = np.random.default_rng([seed, STREAM, *label.encode()])
    by_patient: dict[str, list[CaseRef]] = defaultdict(list)
    for place in rng.permutation(len(refs)):
        by_patient[refs[place].patient_id].append(refs[place])
    patients = sorted(by_patient)
    rng.shuffle(patients)
    turn = [(k, order, ref) for order, patient in enumerate(patients) for k, ref in enumerate(by_patient[patient])]
    return [ref for _, _, ref in sorted(turn, key=lambda entry: entry[:2])]
