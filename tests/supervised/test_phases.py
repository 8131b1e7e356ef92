"""The phases of a training."""

from __future__ import annotations

import numpy as np
import pytest

from synthtrial.errors import ConfigError
from synthtrial.supervised.case import TrainingCase
from synthtrial.supervised.phases import phases


def make_cases(n: int, source: str) -> list[TrainingCase]:
    return [TrainingCase(f"{source}{k}", source, lambda: {"image": np.zeros((1, 4, 4))}) for k in range(n)]


REAL, SYNTHETIC = make_cases(2, "real"), make_cases(3, "synthetic")


def test_without_pretraining_there_is_one_phase():
    (phase,) = phases(REAL, [], pretrain=0.0, steps=10, seed=7)
    assert (phase.cases, phase.steps, phase.first_step, phase.seed) == (REAL, 10, 0, 7)


@pytest.mark.parametrize(("pretrain", "steps", "before"), [(0.5, 10, 5), (0.25, 10, 2), (0.9, 7, 6)])
def test_both_phases_share_the_steps(pretrain, steps, before):
    first, second = phases(REAL, SYNTHETIC, pretrain=pretrain, steps=steps, seed=7)
    assert (first.cases, second.cases) == (SYNTHETIC, REAL)
    assert first.steps == second.first_step == before and first.steps + second.steps == steps
    assert second.seed == 7 != first.seed  # the cases come as they do without pretraining


@pytest.mark.parametrize(("cases", "pretrain"), [(SYNTHETIC, 0.0), (SYNTHETIC, 0.01), (SYNTHETIC, 1.0), ([], 0.5)])
def test_a_phase_without_steps_or_cases_is_refused(cases, pretrain):
    with pytest.raises(ConfigError, match="pretraining takes"):
        phases(REAL, cases, pretrain=pretrain, steps=10, seed=0)
