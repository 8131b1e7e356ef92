"""Sites as strata: which patients are compared with which."""

from __future__ import annotations

import pytest

from synthtrial.trial.strata import SMALL, strata_of


@pytest.mark.parametrize(
    ("sites", "expected"),
    [
        ("aabb", list("aabb")),
        ("aaaa", None),
        (["", "", ""], None),
        ("aaabbc", list("aaabbb")),
        ("aabbcd", [*"aabb", SMALL, SMALL]),
        ("abcd", None),
        ("aab", None),
    ],
)
def test_sites_with_one_patient_are_joined(sites, expected):
    strata = strata_of(list(sites))
    assert expected == (None if strata is None else list(strata))
