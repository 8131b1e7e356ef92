"""Patterns with named fields."""

from __future__ import annotations

import pytest

from synthtrial.cohorts.layout import find_files
from synthtrial.errors import ConfigError


@pytest.mark.parametrize(
    ("pattern", "cases"),
    [
        ("{case}.nii.gz", ["a", "b.c"]),
        ("{case}/{case}_ct.nii.gz", ["p1"]),
        ("**/{case}_ct.nii.gz", ["other", "p1"]),
        ("p1/{case}_c?.nii.gz", ["other", "p1"]),
        ("x(1)/{case}.png", ["y"]),
    ],
)
def test_patterns(tmp_path, pattern, cases):
    for name in ("a.nii.gz", "b.c.nii.gz", ".hidden.nii.gz", "p1/p1_ct.nii.gz", "p1/other_ct.nii.gz", "x(1)/y.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert sorted(fields["case"] for fields, _ in find_files(tmp_path, pattern)) == cases


def test_absolute_pattern(tmp_path):
    with pytest.raises(ConfigError, match="relative"):
        find_files(tmp_path, "/data/{case}.nii")
