"""Type hints as the schema of settings, and the keys that no class takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from synthtrial.composing import compose, study_names
from synthtrial.errors import ConfigError
from synthtrial.setting_types import check_arguments, fits, in_words
from synthtrial.study_keys import KEYS

CONF = Path(__file__).resolve().parents[1] / "conf"


@pytest.mark.parametrize(
    ("hint", "right", "wrong"),
    [
        (int, [0, -3], [1.0, "1", True, None]),
        (float, [1, 0.5], ["0.5", True, float("nan"), float("inf")]),
        (str, ["", "a"], [1, None, ["a"]]),
        (bool, [True, False], [0, "true"]),
        (int | None, [None, 2], ["none"]),
        (Sequence[int], [[], [1, 2], (1, 2)], [1, "12", [1, "2"]]),
        (tuple[int, ...], [[1, 2], (1,)], [1, [0.5]]),
        (Mapping[str, int | Sequence[int]], [{}, {"a": 1, "b": [1, 2]}], [[], {"a": "b"}, {1: 2}]),
        (dict, [{}, {"a": object()}], [[], None]),
        (Literal["auto", "cpu"], ["auto"], ["gpu", None, ["auto"]]),
        (Any, [None, 1, "a"], []),
    ],
)
def test_values_fit_their_hints(hint: Any, right: list[Any], wrong: list[Any]) -> None:
    assert all(fits(value, hint) for value in right)
    assert not any(fits(value, hint) for value in wrong)


def test_hints_are_said_in_words() -> None:
    assert in_words(Sequence[int] | None) == "a list (a whole number each) or null"
    assert in_words(Mapping[str, float]) == "a group of keys (a number each)"
    assert in_words(Literal["auto", "cpu"]) == "one of auto, cpu"


def test_classes_of_other_packages_are_checked_by_their_keys_alone() -> None:
    check_arguments(Path.write_text, {"self": 1, "data": 2}, "path")
    with pytest.raises(ConfigError, match="path.data is missing"):
        check_arguments(Path.write_text, {"self": 1}, "path")
    with pytest.raises(ConfigError, match="path has no key 'dat'.*did you mean 'data'"):
        check_arguments(Path.write_text, {"dat": 1}, "path")


@pytest.mark.parametrize("study", study_names(CONF))
def test_every_key_that_no_class_takes_has_its_type(study: str) -> None:
    params, _ = compose([f"study={study}"], CONF)
    for group, keys in KEYS.items():
        assert set(params[group]) == set(keys), group
