"""The phases of a training: one set of cases each, with steps, order and learning rate schedule of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthtrial.errors import ConfigError
from synthtrial.supervised.case import TrainingCase


@dataclass(frozen=True)
class Phase:
    """A part of a training, from one warm-up of the learning rate to its fall to zero.

    Attributes:
        cases: what it trains on.
        steps: optimizer steps.
        first_step: steps done in the phases before.
        seed: seed of the cases' order and augmentation.
    """

    cases: Sequence[TrainingCase]
    steps: int
    first_step: int
    seed: int


def phases(
    cases: Sequence[TrainingCase], pretrain_cases: Sequence[TrainingCase], *, pretrain: float, steps: int, seed: int
) -> list[Phase]:
    """Split the steps into those on `pretrain_cases`, which come first, and those on `cases`.

    The phase on `cases` draws them with the seed itself, as a training without pretraining does.

    Args:
        cases: the training set.
        pretrain_cases: cases of the phase before; empty without one.
        pretrain: share of the steps that the phase before gets; 0 without one.
        steps: steps of both phases.
        seed: seed of the training.

    Raises:
        ConfigError: when a phase has no cases or no steps.
    """
    if not cases:
        raise ConfigError("the training set is empty: no case to train on")
    if not pretrain and not pretrain_cases:
        return [Phase(cases, steps, 0, seed)]
    before = round(pretrain * steps)
    if not pretrain_cases or not 0 < before < steps:
        raise ConfigError(
            f"pretraining takes {before} of {steps} steps, on {len(pretrain_cases)} cases; it needs at least one step "
            "and one case, and must leave a step: change the arm's pretrain, its synthetic cases or the number of steps"
        )
    pretrain_seed = int(np.random.SeedSequence([seed, 1]).generate_state(1)[0])
    return [Phase(pretrain_cases, before, 0, pretrain_seed), Phase(cases, steps - before, before, seed)]
