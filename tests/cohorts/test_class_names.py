"""Names of classes: given, left out, shared."""

from __future__ import annotations

import pytest

from synthtrial.cohorts.class_names import ClassNames
from synthtrial.errors import ConfigError


def test_without_names_classes_are_called_as_they_are() -> None:
    names = ClassNames(None)
    assert names.known("yes") and names.of("yes") == "yes" and not names.known("")


def test_numbers_of_yaml_are_text_in_a_csv() -> None:
    names = ClassNames({0: "benign", 1: "malignant", 2: None})
    assert [names.of(value) for value in "012"] == ["benign", "malignant", None] and not names.known("3")


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ({True: "tumour", False: "healthy"}, "what YAML makes of yes, no, on and off: put it in quotes"),
        ({"yes": ""}, "expected a name for each class"),
        ({"yes": None}, "expected a name for each class"),
        ({}, "expected a name for each class"),
    ],
)
def test_names_that_are_none(classes: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ClassNames(classes)
