"""How many cases, images, steps and models a study has, from its settings and the size of its cohort."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synthtrial.errors import ConfigError
from synthtrial.trial.arm import Arm
from synthtrial.trial.protocol import protocol_of


@dataclass(frozen=True)
class CohortSize:
    """Cases of a cohort, before and after the test set and a fold are taken away; about, for patients stay together.

    Attributes:
        cases: in all.
        development: without the test set.
        training: without the fold that a model leaves out, too.
        share: of the class that an arm's numbers are of among the development cases.
        folds: of the development cases.
    """

    cases: int
    development: float
    training: float
    share: float
    folds: int

    def in_split(self, protocol: str) -> float:
        """Cases that one generator may see."""
        sees = protocol_of(protocol).sees
        return {"all": float(self.cases), "development": self.development}.get(sees or "", self.training)


def cohort_size(params: Mapping[str, Any], cases: int, of_class: int | None) -> CohortSize:
    """Sizes of the parts of a cohort of so many cases, of which `of_class` are of the class that arms add to.

    Raises:
        ConfigError: for numbers that can't be, or when an arm adds to a class and its number is not said.
    """
    prepare, arms = params["prepare"], params["arms"]
    if cases < 1 or not 0 < (cases if of_class is None else of_class) <= cases:
        raise ConfigError(f"--cases {cases} and --of-class {of_class}: expected a number above 0, and a part of it")
    if of_class is None and any(arm.get("of") or arm.get("balance") == "oversampling" for arm in arms.values()):
        raise ConfigError("arms of this study add cases to one class: say how many there are of it by --of-class N")
    named = prepare.get("test_cases")
    test = sum(named.values()) if named else cases * prepare["test_fraction"]
    if test >= cases:
        raise ConfigError(f"--cases {cases}: the test set alone takes {test:g}; say the cases of the whole cohort")
    development, folds = cases - test, prepare["folds"]
    share = 1.0
    if of_class is not None:
        added_to = next((arm["of"] for arm in arms.values() if arm.get("of")), "")
        tested = (named or {}).get(
            added_to, test * of_class / cases
        )  # a test set may be dealt by numbers of each class
        share = max(of_class - tested, 0) / development
    return CohortSize(cases, development, development * (folds - 1) / folds, share, folds)


def arm_cases(arm: Arm, size: CohortSize) -> tuple[float, float]:
    """Real cases (with their copies) and synthetic cases that one model of an arm is trained on."""
    base = size.training * (size.share if arm.of else 1.0)
    real = size.training * arm.real + base * (arm.duplicated + arm.augmented)
    if arm.balance == "oversampling":
        real = max(real, 2 * size.training * max(size.share, 1 - size.share))
    return real, base * sum(arm.synthetic.values())
