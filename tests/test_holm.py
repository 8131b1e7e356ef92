"""Holm's correction by hand."""

from __future__ import annotations

import itertools

import pytest

from synthtrial.holm import holm


def test_hand_computed():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_one_comparison_is_left_alone_and_none_is_fine():
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


def test_never_above_one_never_below_the_raw_value_and_in_the_same_order():
    p = [0.9, 0.001, 0.5, 0.02, 0.02]
    adjusted = holm(p)
    assert all(raw <= new <= 1 for raw, new in zip(p, adjusted, strict=True))
    assert all(a <= b for (_, a), (_, b) in itertools.pairwise(sorted(zip(p, adjusted, strict=True))))
