"""The learning rate over a phase."""

from __future__ import annotations

from synthtrial.supervised.schedule import learning_rate_factor


def test_learning_rate_rises_then_falls_to_zero():
    factors = [learning_rate_factor(step, steps=100, warmup=0.1) for step in range(101)]
    assert factors[:10] == sorted(factors[:10]) and factors[10:] == sorted(factors[10:], reverse=True)
    assert max(factors) == factors[10] == 1.0 and factors[100] == 0.0 and factors[99] < 0.001
